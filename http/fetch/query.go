package fetch

import (
	"math"
	"slices"
	"sync"
	"time"

	"flashq/http/recordjson"
	"flashq/http/request"
	"flashq/http/schema"
)

// What one fetch may ask for; not configurable, so that clients can rely on it.
const (
	maxRecords     = 10000
	defaultRecords = 100
	maxBytes       = 16 << 20
	defaultBytes   = 1 << 20
	maxTimeoutMs   = 60000
	// MinSessionMs and MaxSessionMs bound a member's lease.
	MinSessionMs = 1000
	MaxSessionMs = 300000
)

// Query is what a fetch asks for. Parse makes it, and nobody changes it.
type Query struct {
	Start      Start
	HasUntil   bool
	Until      int64 // milliseconds: reading ends before the first record that is not older
	Partitions []int // nil: all
	Most       Amount
	MostGiven  bool // its records were given, not left out
	MinBytes   int  // to wait for, no more than an answer may hold
	Timeout    time.Duration
	Encoding   string // "": not given
	Shape      recordjson.Options

	Group     string // "": none
	Member    string // "": none
	SessionMs int    // 0: not given
	Ack       Ack

	// Of a live stream only; Serve tells what is one.
	Follow bool
	Resume Resume

	ackGiven   bool // also of a HEAD
	tokenGiven bool // who asks is found out by the server

	Head    bool // only what an answer's head would be: it neither waits, nor acknowledges, nor joins
	OfAlias bool // of a route of FlashQ in Rust: next_offset is the committed offset, and no group is made
}

// Amount is records and their bytes, as the limits count them.
type Amount struct{ Records, Bytes int }

// Ack is the position of an answer that is acknowledged.
type Ack struct {
	Generation int64          // a member's, request.NoGeneration else
	Marks      []request.Mark // nil: nothing is
}

// Resume is where an earlier stream had got to.
type Resume struct {
	Generation int64          // a member's, request.NoGeneration else
	Marks      []request.Mark // nil: there was none
}

// Params are the parameters of a fetch.
var Params = request.Params[Query]{
	{Name: "from_offset", Axis: "start", Set: only((*Start).setOffset), Type: schema.Text(
		`^(earliest|latest|[0-9]{1,18}|[1-8][0-9]{18}|9223372036854775807|-0*[1-9][0-9]{0,17})$`).Like("earliest").
		Says("earliest, latest, an offset N, or -N for the last N; by default earliest, or what a group committed")},
	{Name: "from_time", Axis: "start", Set: only((*Start).setTime),
		Type: request.Time.Says("begin in each partition at the first record that is not older")},
	{Name: "position", Axis: "start", Set: only((*Start).setPosition), EmptyIsNone: true,
		Type: request.Position.Says("go on where an answer said")},
	{Name: "last_event_id", Axis: "start", Set: setLastEventID, EmptyIsNone: true,
		Type: request.Position.Says("go on with an earlier stream; wins over any other start")},
	{Name: "to_time", Axis: "end", Set: setUntil,
		Type: request.Time.Says("end in each partition before the first record that is not older")},
	{Name: "partition", Axis: "which", Set: setPartitions, Type: schema.Text(`^[0-9]{1,9}(,[0-9]{1,9})*$`).Like("0").
		Says("a partition, or several as 0,2; the default is all, or all that a member holds")},
	{Name: "max_records", Axis: "how much", Set: setMaxRecords, Type: schema.Int(1, maxRecords).Like(10).
		Says("how many records at most; 100 by default")},
	{Name: "max_bytes", Axis: "how much", Set: setMaxBytes, Type: schema.Int(1, maxBytes).Else(defaultBytes).
		Like(defaultBytes).Says("how many bytes of keys, values and headers at most; the first record always comes")},
	{Name: "timeout_ms", Axis: "how long", Set: setTimeout, Type: schema.Int(0, maxTimeoutMs).Else(0).Like(100).
		Says("how long to wait while there are fewer than min_bytes")},
	{Name: "min_bytes", Axis: "how long", Set: setMinBytes, Type: schema.Int(1, math.MaxInt32).Else(1).Like(1).
		Says("for how many bytes to wait")},
	{Name: "follow", Axis: "live", Set: setFollow, Type: schema.Bool().Else(false).Like(false).
		Says("never end the answer; needs Accept: application/x-ndjson or text/event-stream")},
	{Name: "encoding", Axis: "shape", Set: setEncoding, Type: schema.OneOf("text", "base64", "json").Like("text").
		Says("how keys and values are shown: text by default")},
	{Name: "include_headers", Axis: "shape", Set: setIncludeHeaders, Type: schema.Bool().Else(true).Like(true).
		Says("whether records have their headers")},
	{Name: "ack", Axis: "group", Set: setAck, EmptyIsNone: true,
		Type: request.Position.Says("commit what the answer with this position delivered, then read on; needs a group")},
	{Name: "group", Axis: "group", Set: setGroup,
		Type: request.GroupName.Says("read what the group has not committed yet")},
	{Name: "member", Axis: "group", Set: setMember,
		Type: request.GroupName.Like("anna").Says("join the group, or stay in it, and read what this member holds")},
	{Name: "session_ms", Axis: "group", Set: setSession, Type: schema.Int(MinSessionMs, MaxSessionMs).Like(30000).
		Says("how long the member's lease lasts; 30000 by default")},
	{Name: request.TokenParam, Axis: "access", Type: request.Token,
		Set: func(q *Query, _ request.Value) error { q.tokenGiven = true; return nil }},
}

// AliasParams are those of the routes whose path names the group.
var AliasParams = slices.DeleteFunc(slices.Clone(Params), func(p request.Param[Query]) bool {
	return p.Name == "group" || p.Name == "member" || p.Name == "session_ms"
})

// Parse reads the query of a fetch; head tells that it is a HEAD.
func Parse(query []byte, head bool) (Query, error) { return parse(Params, query, Query{Head: head}) }

// ParseAlias reads that of a route whose path names the group, which reads partition 0 unless one is given.
func ParseAlias(query []byte, head bool, group string) (Query, error) {
	q, err := parse(AliasParams, query, Query{Head: head, Group: group, OfAlias: true})
	if q.Partitions == nil {
		q.Partitions = []int{0}
	}
	return q, err
}

func parse(params request.Params[Query], query []byte, q Query) (Query, error) {
	q.Most, q.MinBytes = Amount{defaultRecords, defaultBytes}, 1
	q.Ack.Generation = request.NoGeneration
	if err := readParams(params, query, &q); err != nil {
		return q, err
	}
	if q.Head {
		q.Timeout, q.Ack = 0, Ack{Generation: request.NoGeneration}
	}
	q.MinBytes = min(q.MinBytes, q.Most.Bytes)
	return q, q.check()
}

// parsed are queries that are filled in: what a table's functions fill can't stay on the stack.
var parsed = sync.Pool{New: func() any { return new(Query) }}

func readParams(params request.Params[Query], query []byte, q *Query) error {
	p := parsed.Get().(*Query)
	*p = *q
	err := params.Parse(query, p)
	*q, *p = *p, Query{}
	parsed.Put(p)
	return err
}

// check judges what the parameters say of each other.
func (q *Query) check() error {
	switch {
	case q.Ack.Marks != nil && q.Group == "":
		return request.BadParam("ack", "needs 'group'")
	case q.Member != "" && q.Group == "":
		return request.BadParam("member", "needs 'group'")
	case q.SessionMs != 0 && q.Member == "":
		return request.BadParam("session_ms", "needs 'member'")
	}
	return nil
}

func setUntil(q *Query, v request.Value) (err error) {
	q.HasUntil = true
	q.Until, err = v.Time()
	return err
}

func setPartitions(q *Query, v request.Value) (err error) {
	q.Partitions, err = v.Partitions()
	return err
}

func setMaxRecords(q *Query, v request.Value) (err error) {
	q.MostGiven = true
	q.Most.Records, err = v.Int()
	return err
}

func setMaxBytes(q *Query, v request.Value) (err error) {
	q.Most.Bytes, err = v.Int()
	return err
}

func setMinBytes(q *Query, v request.Value) (err error) {
	q.MinBytes, err = v.Int()
	return err
}

func setTimeout(q *Query, v request.Value) error {
	millis, err := v.Int()
	q.Timeout = time.Duration(millis) * time.Millisecond
	return err
}

func setFollow(q *Query, v request.Value) (err error) {
	q.Follow, err = v.Bool()
	return err
}

func setEncoding(q *Query, v request.Value) (err error) {
	q.Encoding, err = v.Word()
	q.Shape.Base64, q.Shape.Embed = q.Encoding == "base64", q.Encoding == "json"
	return err
}

func setIncludeHeaders(q *Query, v request.Value) error {
	with, err := v.Bool()
	q.Shape.NoHeaders = !with
	return err
}

func setAck(q *Query, v request.Value) (err error) {
	q.ackGiven = true
	ok := false
	if q.Ack.Generation, q.Ack.Marks, ok = request.ParseToken(v.Text); !ok {
		return v.Bad("must be a position as an answer gave it: 0:15,2:7, or g7;0:15,2:7 for a member")
	}
	return nil
}

func setGroup(q *Query, v request.Value) (err error) {
	q.Group, err = v.NameOf("group")
	return err
}

func setMember(q *Query, v request.Value) (err error) {
	q.Member, err = v.NameOf("member")
	return err
}

func setSession(q *Query, v request.Value) (err error) {
	q.SessionMs, err = v.Int()
	return err
}
