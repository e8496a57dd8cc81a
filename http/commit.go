package http

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
	"flashq/http/schema"
)

const (
	// maxMetadata bounds what a commit may say beside its offset, in characters.
	maxMetadata = 1024
	// maxOffsetDigits is how long a number is that can be an offset, with its sign.
	maxOffsetDigits = 20
	// maxCommits bounds the partitions of one commit.
	maxCommits = 10_000
	// tooManyCommits is what a commit takes.
	tooManyCommits = "A commit takes 1 to %d partitions"
)

// committedRow is what a commit came to in one partition.
type committedRow struct {
	Topic     string    `json:"topic" example:"news"`
	Partition int       `json:"partition" example:"0"`
	Committed int64     `json:"committed_offset" doc:"the next record to read" example:"15"`
	Previous  *int64    `json:"previous_offset" doc:"what was committed before; null of nothing" example:"10"`
	Timestamp timestamp `json:"timestamp" doc:"of the commit"`
}

// commitAnswer is what a commit came to.
type commitAnswer struct {
	Offsets list[committedRow] `json:"offsets" doc:"a row for each partition that was meant"`
}

type commitQuery struct{ dryRun, force bool }

var commitParams = request.Params[commitQuery]{
	{Name: "dry_run", Axis: "how", Type: schema.Bool().Else(false).Like(false).
		Says("show what would come of it, and commit nothing"),
		Set: func(q *commitQuery, v request.Value) (err error) {
			q.dryRun, err = v.Bool()
			return err
		}},
	{Name: "force", Axis: "how", Type: schema.Bool().Else(false).Like(false).
		Says("also while members live"),
		Set: func(q *commitQuery, v request.Value) (err error) {
			q.force, err = v.Bool()
			return err
		}},
}

// commit is POST /groups/{group}/offsets: a commit, or a reset, which is a commit by another name.
func (s *Server) commit(c *call, q commitQuery) (answer commitAnswer, err error) {
	if err := c.mayForce(q.force); err != nil {
		return answer, err
	}
	var body commitBody
	if _, err := readObject(s, c, commitMembers, &body); err != nil {
		return answer, err
	}
	if err := c.mayForce(q.force); err != nil { // c.who may be another than before the body
		return answer, err
	}
	commit := broker.Commit{
		Group: c.names.group, Create: !s.cfg.NoAutoCreate, DryRun: q.dryRun, Force: q.force,
	}
	err = body.setMember(&commit)
	if err == nil {
		commit.Offsets, err = s.resolve(c, body.items)
	}
	if err != nil {
		return answer, err
	}
	done, err := s.cfg.Broker.Commit(s.life.calls, commit)
	if err != nil {
		return answer, err
	}
	return commitAnswer{committedRows(commit, done)}, nil
}

// mayForce refuses a commit over the members' heads of who may not do that to the group.
func (c *call) mayForce(force bool) error {
	if !force {
		return nil
	}
	return c.mayGroup(auth.Admin, c.names.group)
}

func committedRows(c broker.Commit, done []broker.Committed) []committedRow {
	rows := make([]committedRow, len(done))
	for i, d := range done {
		rows[i] = committedRow{
			Topic: c.Offsets[i].Topic, Partition: c.Offsets[i].Partition, Committed: d.Offset,
			Timestamp: timestamp(d.Timestamp),
		}
		if d.Previous >= 0 {
			rows[i].Previous = &d.Previous
		}
	}
	return rows
}

// commitBody is what the body of a commit says.
type commitBody struct {
	items      []commitItem
	member     *string // nil: none
	generation *int64
}

var commitMembers = request.Members[commitBody]{
	{Name: "offsets", Needed: true, Type: schema.List(commitItemSchema(), 1, maxCommits).
		Says("what is committed, all or none"),
		Set: func(b *commitBody, raw json.RawMessage) (err error) {
			b.items, err = parseCommitItems(raw)
			return err
		}},
	{Name: "member", Type: request.GroupName.Like("anna").OrNull().
		Says("who commits; needs generation"),
		Set: func(b *commitBody, raw json.RawMessage) error {
			if isNull(raw) {
				return nil
			}
			name, err := request.NameOf("member", "member", raw)
			b.member = &name
			return err
		}},
	{Name: "generation", Type: schema.Int(0, math.MaxInt32).Like(1).OrNull().
		Says("since which the member holds the partitions; needs member"),
		Set: func(b *commitBody, raw json.RawMessage) error {
			if isNull(raw) {
				return nil
			}
			n, err := request.Int("generation", raw, 0, math.MaxInt32, false)
			b.generation = &n
			return err
		}},
}

// commitSchema is a commit, in which a member and its generation come together.
func commitSchema() *schema.Schema {
	commit, null := commitMembers.Schema(), &schema.Schema{Type: "null"}
	commit.AnyOf = []*schema.Schema{
		{Properties: map[string]*schema.Schema{"member": null, "generation": null}},
		{
			Properties: map[string]*schema.Schema{"member": schema.String(), "generation": {Type: "integer"}},
			Required:   []string{"member", "generation"},
		},
	}
	return commit.Like(json.RawMessage(`{"offsets":[{"topic":"news","partition":0,"offset":0,"metadata":"batch 42"}]}`))
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// setMember takes who commits: a member tells since which generation it holds what it speaks of, and only a member
// does.
func (b *commitBody) setMember(c *broker.Commit) error {
	switch {
	case b.items == nil:
		return request.Missing("offsets")
	case b.member == nil && b.generation == nil:
		return nil
	case b.member == nil:
		return request.WrongType("member", "Member 'member' is missing beside 'generation'")
	case b.generation == nil:
		return request.WrongType("generation",
			"Member 'generation' is missing: a member commits what it holds since then")
	}
	c.Member, c.Generation = *b.member, *b.generation
	return nil
}

var (
	offsetType   = schema.Int(0, math.MaxInt64).Like(0).Says("the next record to read: 0 to the high water mark")
	instantType  = schema.Any(request.Instant, schema.Int(200_000_000_000, math.MaxInt64)).Like("latest")
	metadataType = (&schema.Schema{Type: "string", MaxLength: maxMetadata}).Like("batch 42").OrNull().
			Says("what is kept beside the offset")
)

// commitItem is one entry of a commit: an offset, or where one is to be looked up.
type commitItem struct {
	topic     string
	partition int    // -1: all of the topic
	at        string // "" when offset is given
	offset    int64  // -1: not given
	metadata  string
}

// commitItemSchema is an item, of whose offset and at there is one.
func commitItemSchema() *schema.Schema {
	item := commitItemMembers.Schema()
	item.OneOf = []*schema.Schema{{Required: []string{"offset"}}, {Required: []string{"at"}}}
	return item.Like(json.RawMessage(`{"topic":"news","partition":0,"offset":0,"metadata":"batch 42"}`))
}

var commitItemMembers = request.Members[commitItem]{
	{Name: "topic", Needed: true, Type: request.TopicName, Set: func(c *commitItem, raw json.RawMessage) (err error) {
		c.topic, err = request.NameOf("topic", "topic", raw)
		return err
	}},
	{Name: "partition", Type: schema.Int(0, math.MaxInt32).Like(0).
		Says("all of the topic where it is left out"),
		Set: func(c *commitItem, raw json.RawMessage) error {
			n, err := request.Int("partition", raw, 0, math.MaxInt32, false)
			c.partition = int(n)
			return err
		}},
	{Name: "metadata", Type: metadataType, Set: (*commitItem).setMetadata},
	{Name: "offset", Type: offsetType, Set: (*commitItem).setOffset},
	{Name: "at", Type: instantType.Says("earliest, latest or a time, instead of an offset"),
		Set: (*commitItem).setAt},
}

func parseCommitItems(raw json.RawMessage) ([]commitItem, error) {
	list, err := request.List("offsets", raw, maxCommits, tooManyCommits)
	if err != nil {
		return nil, err
	}
	items := make([]commitItem, len(list))
	for i, text := range list {
		item := &items[i]
		item.partition, item.offset = -1, -1
		err := commitItemMembers.Parse(text, item)
		switch {
		case err != nil:
		case item.topic == "":
			err = request.WrongType("topic", "Member 'topic' must be a string")
		case (item.offset < 0) == (item.at == ""):
			err = request.WrongType("offset", "Exactly one of 'offset' and 'at' is needed")
		}
		if err != nil {
			return nil, atIndex(err, i)
		}
	}
	return items, nil
}

// atIndex tells which item of a list an error is about.
func atIndex(err error, i int) error {
	e, known := fault.Explain(err)
	if !known {
		return err
	}
	e.Message = fmt.Sprintf("offsets[%d]: %s", i, e.Message)
	return e.With("index", i)
}

func (c *commitItem) setMetadata(raw json.RawMessage) (err error) {
	if isNull(raw) {
		return nil
	}
	if c.metadata, err = request.String("metadata", raw); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(c.metadata); n > maxMetadata {
		return fault.OutOfRange.New(fmt.Sprintf("metadata has %d characters, at most %d are allowed", n, maxMetadata),
			fault.Details{"field": "metadata", "max_size": maxMetadata, "actual_size": n})
	}
	return nil
}

func (c *commitItem) setOffset(raw json.RawMessage) error {
	if !request.IsInteger(raw) {
		return request.WrongType("offset", "Member 'offset' must be an integer")
	}
	if json.Unmarshal(raw, &c.offset) != nil || c.offset < 0 {
		shown := any(raw)
		if len(raw) > maxOffsetDigits {
			shown = fault.Clip(string(raw))
		}
		return fault.InvalidOffset.New("An offset must be from 0 to the high water mark", fault.Details{"offset": shown})
	}
	return nil
}

func (c *commitItem) setAt(raw json.RawMessage) (err error) {
	if request.IsInteger(raw) {
		c.at = string(raw)
	} else {
		c.at, err = request.String("at", raw)
	}
	if err == nil && c.at != "earliest" && c.at != "latest" {
		_, err = timeMember("at", c.at)
	}
	return err
}

func timeMember(name, value string) (int64, error) {
	millis, why := request.ParseTime([]byte(value), time.Now().UnixMilli())
	if why != "" {
		return 0, fault.OutOfRange.New("Member '"+name+"' is earliest, latest or a time, which "+why,
			fault.Details{"field": name})
	}
	return millis, nil
}

// place is a partition of a topic; partition -1 is all of it.
type place struct {
	topic     string
	partition int
}

// resolve gives every partition that is meant its offset. An item that names a partition goes before one that means the
// whole topic; two of the same kind for one place contradict each other.
func (s *Server) resolve(c *call, items []commitItem) ([]broker.CommitOffset, error) {
	named := map[place]bool{}
	for i, item := range items {
		p := place{item.topic, item.partition}
		if named[p] {
			return nil, atIndex(fault.OutOfRange.New("The same partition is given twice", fault.Details{"field": "offsets"}), i)
		}
		named[p] = true
	}
	var all []broker.CommitOffset
	for i, item := range items {
		var err error
		if all, err = s.resolveItem(c, all, item, named); err != nil {
			return nil, atIndex(err, i)
		}
		if len(all) > maxCommits {
			return nil, request.BadCount("offsets", len(all), maxCommits, tooManyCommits)
		}
	}
	return all, nil
}

// resolveItem appends the partitions that one item means.
func (s *Server) resolveItem(
	c *call, all []broker.CommitOffset, item commitItem, named map[place]bool,
) ([]broker.CommitOffset, error) {
	if err := c.mayTopic(auth.Read, item.topic); err != nil {
		return all, err
	}
	topic, err := s.topic(item.topic)
	if err != nil {
		return all, err
	}
	partitions := topic.Config().Partitions
	if item.partition >= partitions {
		return all, noPartition(item.topic, item.partition, partitions)
	}
	for p := range partitions {
		if item.partition >= 0 && item.partition != p || item.partition < 0 && named[place{item.topic, p}] {
			continue
		}
		offset, err := s.resolveOne(c, topic, item, p)
		if err != nil {
			return all, err
		}
		all = append(all, broker.CommitOffset{Topic: item.topic, Partition: p, Offset: offset, Metadata: item.metadata})
	}
	return all, nil
}

func (s *Server) resolveOne(c *call, topic broker.Topic, item commitItem, partition int) (int64, error) {
	if item.at == "" {
		return item.offset, nil
	}
	millis := int64(0)
	if item.at != "latest" && item.at != "earliest" {
		var err error
		if millis, err = timeMember("at", item.at); err != nil {
			return 0, err
		}
	}
	v, err := s.offsetAt(c, topic, partition, item.at, millis)
	return v.Offset, err
}
