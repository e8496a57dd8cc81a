package fetch

import (
	"context"
	"errors"
	"fmt"

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

	truncated int64 // offsets by which a group's commit was moved back

	full     bool  // the next record does not fit into what is left of max_bytes
	damaged  bool  // the record at next can't be served
	nextGood int64 // the first one after the damage

	view  broker.Snapshot // only while collecting
	place *poll.Place     // only while waiting
}

// mostGone bounds how often retention may be faster than a read.
const mostGone = 16

// look opens a view of the partition, again if retention was faster than the search for the start.
func (c *cursor) look(calls context.Context, p *plan) (err error) {
	for range mostGone {
		if err = c.lookOnce(calls, p); !errors.Is(err, broker.ErrGone) {
			return err
		}
	}
	return err
}

// lookOnce opens a view of the partition and finds the start if it has none yet.
func (c *cursor) lookOnce(calls context.Context, p *plan) error {
	c.close()
	view, err := p.topic.Snapshot(calls, c.partition)
	if err != nil {
		return fmt.Errorf("partition %d: %w", c.partition, err)
	}
	c.view, c.high, c.earliest = view, view.HighWatermark(), view.LogStart()
	if !c.started {
		if err := c.begin(p); err != nil {
			return err
		}
	}
	if c.next < c.earliest {
		c.gap += c.earliest - c.next
		c.next = c.earliest
	}
	return nil
}

// begin sets next to the plan's start; one that is a time past the newest record is the end.
func (c *cursor) begin(p *plan) error {
	offset, ok := p.start.find(c.partition, c.earliest, c.high)
	if !ok {
		var err error
		if offset, _, ok, err = c.view.OffsetForTime(p.start.Time); err != nil {
			return c.readFault(p.topic, err)
		}
		if !ok {
			offset = c.high
		}
	}
	c.next, c.started = offset, true
	return nil
}

// readFault takes damage as a finding of this partition and leaves any other error to the caller.
func (c *cursor) readFault(topic broker.Topic, err error) error {
	var corrupt *broker.CorruptError
	if !errors.As(err, &corrupt) {
		return aboutPartition(topic, c.partition, err)
	}
	c.next, c.started = max(c.next, corrupt.FirstOffset), true
	c.spoil(corrupt.NextGoodOffset)
	return nil
}

// aboutPartition says what a view's error is about, since views don't.
func aboutPartition(topic broker.Topic, partition int, err error) error {
	return &broker.PartitionError{
		Topic: topic.Name(), Partition: partition, Partitions: topic.Config().Partitions, Err: err,
	}
}

// spoil marks the record at next as one that can't be served.
func (c *cursor) spoil(nextGood int64) {
	c.damaged, c.nextGood = true, max(nextGood, c.next+1)
}

// readable tells whether more may come from this partition into this answer.
func (c *cursor) readable() bool { return !c.full && !c.damaged && c.next < c.high }

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

// lag is how many records are after the cursor.
func (c *cursor) lag() int64 { return max(c.high-c.next, 0) }
