package http

import (
	"errors"
	"fmt"

	"flashq/broker"
)

// cursor is how far one fetch has read one partition.
type cursor struct {
	partition int
	started   bool  // next says where
	next      int64 // the offset of the next record to read
	high      int64 // the high watermark when it was looked at last
	earliest  int64
	gap       int64 // offsets that were asked for and are no longer kept

	truncated int64 // offsets by which a group's commit was moved back

	full     bool  // the next record does not fit into what is left of max_bytes
	damaged  bool  // the record at next can't be served
	nextGood int64 // the first one behind the damage

	view  broker.Snapshot // only while collecting
	watch *broker.Watch   // only while waiting; an owner may know it for longer than the fetch lives
	idle  int             // pokes in a row that brought nothing
}

// maxGone bounds how often retention may be faster than a read.
const maxGone = 16

// look opens a view of the partition and finds the start if it has none yet.
func (c *cursor) look(f *fetching) error {
	c.close()
	view, err := f.topic.Snapshot(f.s.calls, c.partition)
	if err != nil {
		return fmt.Errorf("partition %d: %w", c.partition, err)
	}
	c.view, c.high, c.earliest = view, view.HighWatermark(), view.LogStart()
	if !c.started {
		if err := c.begin(&f.query); err != nil {
			return err
		}
	}
	if c.next < c.earliest {
		c.gap += c.earliest - c.next
		c.next = c.earliest
	}
	return nil
}

// begin sets next from the query's start.
func (c *cursor) begin(q *fetchQuery) error {
	next := c.earliest
	switch q.start {
	case startLatest:
		next = c.high
	case startOffset:
		next = q.offset
	case startLast:
		next = max(c.earliest, c.high-q.offset)
	case startPosition:
		if offset, ok := findMark(q.marks, c.partition); ok {
			next = offset
		} else if q.unnamedLatest {
			next = c.high
		}
	case startTime:
		return c.beginAt(q.time)
	}
	c.next, c.started = next, true
	return nil
}

// beginAt starts at the first record that is not older than millis; past the newest, at the end.
func (c *cursor) beginAt(millis int64) error {
	offset, _, ok, err := c.view.OffsetForTime(millis)
	if err != nil {
		return c.readFault(err)
	}
	if !ok {
		offset = c.high
	}
	c.next, c.started = offset, true
	return nil
}

// readFault takes damage as a finding of this partition and leaves any other error to the caller.
func (c *cursor) readFault(err error) error {
	var corrupt *broker.CorruptError
	if !errors.As(err, &corrupt) {
		return fmt.Errorf("partition %d: %w", c.partition, err)
	}
	c.next, c.started = max(c.next, corrupt.FirstOffset), true
	c.spoil(corrupt.NextGoodOffset)
	return nil
}

// spoil marks the record at next as one that can't be served.
func (c *cursor) spoil(nextGood int64) {
	c.damaged, c.nextGood = true, max(nextGood, c.next+1)
}

// readable tells whether more may come from this partition into this answer.
func (c *cursor) readable() bool { return !c.full && !c.damaged && c.next < c.high }

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

// lag is how many records are behind the cursor.
func (c *cursor) lag() int64 { return max(c.high-c.next, 0) }
