package http

import (
	"net"
	"slices"
	"sync"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/recordjson"
	"flashq/segment/slab"
)

// fetching is the state of one fetch, reused by later ones. It belongs to the handler's goroutine.
type fetching struct {
	s       *Server
	conn    net.Conn // of the request
	query   fetchQuery
	topic   broker.Topic
	format  format
	writer  recordjson.Writer
	cursors []cursor // one for each partition that is read, in the order asked
	shed    []cursor // what was given up during a wait and is still watched: that is left at the end

	text  []byte // a slab: the answer so far
	room  int    // how large it will get, about
	raw   []byte // a slab: batches as read
	plain []byte // a slab: a batch decompressed
	hold  lease  // of Server.answers: covers the slabs

	// of a fetch for a group
	generation int64  // a member's, noGeneration else
	assigned   []int  // the partitions that the member holds
	seen       uint64 // what is known of the member, or of the group, see broker.GroupWatch
	known      bool   // the group is stored

	committed []mark // what the group has committed, by partition
	truncated []mark // by how much each commit was moved back
	latest    bool   // the group begins at the end where it has no commit
	alias     bool   // asked by the reference's route: next_offset is the committed offset

	count       int // records taken
	size        int // their bytes, as the limits count
	recordsLeft int
	bytesLeft   int
}

var fetchings = sync.Pool{New: func() any { return new(fetching) }}

// fetch is GET /topics/{topic}/records.
func (s *Server) fetch(ctx *fasthttp.RequestCtx) error {
	name, err := topicName(ctx)
	if err != nil {
		return err
	}
	query, err := parseFetchQuery(ctx, fetchParams)
	if err != nil {
		return err
	}
	switch {
	case query.ack != nil && query.group == "":
		return badParam("ack", "needs 'group'")
	case query.member != "" && query.group == "":
		return badParam("member", "needs 'group'")
	case query.sessionMs != 0 && query.member == "":
		return badParam("session_ms", "needs 'member'")
	}
	return s.answerFetch(ctx, name, query, false)
}

// answerFetch is a fetch whose query has been read.
func (s *Server) answerFetch(ctx *fasthttp.RequestCtx, name string, query fetchQuery, alias bool) error {
	choice, err := wantRecords(ctx)
	if err != nil {
		return err
	}
	topic, err := s.topic(name)
	if err != nil {
		return err
	}
	f := fetchings.Get().(*fetching)
	defer f.release()
	f.begin(s, topic, query, formats[choice].format)
	f.alias, f.conn = alias, ctx.Conn()
	if err := f.run(ctx.IsHead()); err != nil {
		return f.fault(err)
	}
	f.answer(ctx, formats[choice].name)
	return nil
}

// topic finds a topic that has to be there.
func (s *Server) topic(name string) (broker.Topic, error) {
	t, err := s.cfg.Broker.Topic(s.calls, name)
	return t, aboutTopic(err, name)
}

func (f *fetching) begin(s *Server, topic broker.Topic, q fetchQuery, shape format) {
	*f = fetching{
		s: s, query: q, topic: topic, format: shape, hold: lease{from: &s.answers}, generation: noGeneration,
		writer:      recordjson.Writer{Options: recordjson.Options{Base64: q.base64, NoHeaders: q.noHeaders}},
		cursors:     f.cursors[:0],
		recordsLeft: q.maxRecords, bytesLeft: q.maxBytes,
	}
}

// release gives back what the fetch held and readies f for another one.
func (f *fetching) release() {
	slab.Put(f.text)
	slab.Put(f.raw)
	slab.Put(f.plain)
	f.hold.end()
	clear(f.cursors)
	*f = fetching{cursors: f.cursors[:0]}
	fetchings.Put(f)
}

// run fills f.text with what the query asks for, waiting for it if it says so.
func (f *fetching) run(head bool) error {
	if err := f.checkPartitions(); err != nil {
		return err
	}
	if f.query.group != "" {
		if err := f.takeUpGroup(head); err != nil {
			return err
		}
	}
	f.open()
	if err := f.collect(everyCursor); err != nil {
		return err
	}
	if f.satisfied() || f.query.timeout == 0 {
		return f.corruption()
	}
	if err := f.wait(); err != nil {
		return err
	}
	return f.corruption()
}

// checkPartitions refuses what the topic does not have. It comes before an ack: a refused fetch commits nothing.
func (f *fetching) checkPartitions() error {
	partitions := f.topic.Config().Partitions
	for _, p := range f.query.partitions {
		if p >= partitions {
			return partitionNotFound(f.topic.Name(), p, partitions)
		}
	}
	for _, m := range f.query.marks {
		if m.partition >= partitions && f.query.partitions == nil {
			return partitionNotFound(f.topic.Name(), m.partition, partitions)
		}
	}
	return nil
}

// open makes a cursor for each partition that is asked for; for a member, of those that it holds.
func (f *fetching) open() {
	for _, p := range f.query.partitions {
		if f.query.member == "" || slices.Contains(f.assigned, p) {
			f.addCursor(p)
		}
	}
	switch {
	case f.query.partitions != nil:
	case f.query.member != "":
		for _, p := range f.assigned {
			f.addCursor(p)
		}
	default:
		for p := range f.topic.Config().Partitions {
			f.addCursor(p)
		}
	}
}

func (f *fetching) addCursor(partition int) {
	truncated, _ := findMark(f.truncated, partition)
	f.cursors = append(f.cursors, cursor{partition: partition, truncated: truncated})
}

// satisfied tells that there is nothing to wait for: enough is there, a limit is reached, or damage has to be told. A
// fetch that waits for anything at all (1 byte, the default) takes a record without any.
func (f *fetching) satisfied() bool {
	if f.count > 0 && (f.size >= f.query.minBytes || f.query.minBytes == 1) || f.recordsLeft == 0 {
		return true
	}
	for i := range f.cursors {
		if c := &f.cursors[i]; c.full || c.damaged {
			return true
		}
	}
	return false
}

// corruption is the error of a fetch that asked for one partition and met nothing but damage.
func (f *fetching) corruption() error {
	if len(f.cursors) != 1 || f.count > 0 || !f.cursors[0].damaged {
		return nil
	}
	c := &f.cursors[0]
	return corruptError(c.partition, c.next, c.nextGood)
}

func corruptError(partition int, first, nextGood int64) error {
	return &apiError{
		status: 500, code: "corrupt_data", message: "The records at this position are damaged; go on with next_good_offset",
		details: details{"partition": partition, "first_offset": first, "next_good_offset": nextGood},
	}
}

// fault puts the topic's name into what an engine says.
func (f *fetching) fault(err error) error { return aboutTopic(err, f.topic.Name()) }
