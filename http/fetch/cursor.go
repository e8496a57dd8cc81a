package fetch

import (
	"errors"

	"flashq/broker"
	"flashq/broker/poll"
)

// cursor is how far one fetch has read one partition.
type cursor struct {
	partition int
	started   bool  // next says where
	next      int64 // the offset of the next record to read
	high      int64 // the high watermark when it was looked at last
	earliest  int64
	gap       int64 // offsets that were asked for and are no longer kept
	lost      int64 // where the gap ends
	sent      int64 // of a stream: everything before it has been sent

	// end is where reading ends: the high watermark, or the first record that to_time leaves out. Then it is fixed: what
	// is stored later has a higher offset, so only retention, which takes that record, can move it.
	end    int64
	fixed  bool
	looked int64                   // no record before it is left out by to_time
	hidden *broker.UnreadableError // what may hold the end

	truncated int64 // offsets by which a group's commit was moved back

	full    bool // the next record does not fit into what is left of max_bytes
	trouble trouble

	view  broker.Snapshot // only while collecting
	place *poll.Place     // only while waiting
}

// trouble is why the record at a cursor can't be served.
type trouble struct {
	kind          troubleKind
	first, resume int64  // where it begins, and where records go on after it; of one that is down nothing is known
	why           string // more about damage, where there is more to say
}

type troubleKind int

const (
	noTrouble  troubleKind = iota
	damaged                // the records are damaged
	unreadable             // a file can't be opened or read
	down                   // the partition can't be opened
)

// meet takes what keeps a record from being served as a finding of this partition; false leaves any other error to the
// caller.
func (c *cursor) meet(err error) bool {
	var corrupt *broker.CorruptError
	var hidden *broker.UnreadableError
	switch {
	case errors.As(err, &corrupt):
		c.startAt(corrupt.FirstOffset)
		c.spoil(corrupt.NextGoodOffset)
	case errors.As(err, &hidden):
		c.startAt(hidden.FirstOffset)
		c.trouble = trouble{kind: unreadable, first: hidden.FirstOffset, resume: hidden.NextOffset}
	default:
		return false
	}
	return true
}

// startAt sets where the cursor begins, if it has not begun.
func (c *cursor) startAt(offset int64) {
	if !c.started {
		c.next, c.sent, c.started = offset, offset, true
	}
}

// spoil marks the record at next as one that can't be served.
func (c *cursor) spoil(nextGood int64) {
	c.trouble = trouble{kind: damaged, first: c.next, resume: max(nextGood, c.next+1)}
}

// fail marks the partition as one that can't be opened. Where it begins is known if its start is an offset.
func (c *cursor) fail(s *Start) {
	if offset, ok := s.offset(c.partition); ok {
		c.startAt(offset)
	}
	c.trouble = trouble{kind: down}
}

// tellHidden tells of a file that may hold the end, once everything before it is read.
func (c *cursor) tellHidden() {
	if h := c.hidden; h != nil && c.trouble.kind == noTrouble && c.next >= c.end {
		c.trouble = trouble{kind: unreadable, first: h.FirstOffset, resume: h.NextOffset}
	}
}

// aboutPartition says what a view's error is about, since views don't.
func aboutPartition(topic broker.Topic, partition int, err error) error {
	return &broker.PartitionError{
		Topic: topic.Name(), Partition: partition, Partitions: topic.Config().Partitions, Err: err,
	}
}

// readable tells whether more may come from this partition into this answer.
func (c *cursor) readable() bool { return !c.full && c.trouble.kind == noTrouble && c.next < c.end }

// done tells that nothing that is stored from now on can be asked for.
func (c *cursor) done() bool { return c.fixed && c.next >= c.end }

// news tells whether the partition is to be read: it is new in this fetch, or something has happened in it.
func (c *cursor) news() bool { return !c.started || c.place.News() }

// rest keeps no file open: many partitions are read in turn.
func (c *cursor) rest() {
	if c.view != nil {
		c.view.Rest()
	}
}

func (c *cursor) close() {
	if c.view != nil {
		c.view.Close()
		c.view = nil
	}
}

// lag is how many records are after the cursor and before the end.
func (c *cursor) lag() int64 { return max(c.end-c.next, 0) }

// beyond is how far the cursor is ahead of all that is stored.
func (c *cursor) beyond() int64 {
	if c.trouble.kind == down {
		return 0
	}
	return max(c.next-c.high, 0)
}
