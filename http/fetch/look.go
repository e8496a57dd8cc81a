package fetch

import (
	"errors"
	"fmt"

	"flashq/broker"
)

// mostGone bounds how often retention may be faster than a read.
const mostGone = 16

// look opens a view of a partition, again if retention was faster than the search for start and end. A file that is
// gone for any other reason is one that can't be read.
func (r *rounds) look(c *cursor) (err error) {
	for try := range mostGone {
		if err = r.lookOnce(c, try == mostGone-1); !errors.Is(err, broker.ErrGone) {
			return err
		}
	}
	return err
}

// lookOnce opens a view of the partition and finds the start if it has none yet, and the end.
func (r *rounds) lookOnce(c *cursor, last bool) error {
	c.close()
	view, err := r.plan.topic.Snapshot(r.ask.env.Calls, c.partition)
	if errors.Is(err, broker.ErrStorage) { // the others are read all the same
		c.fail(&r.plan.start)
		return nil
	}
	if err != nil {
		return fmt.Errorf("partition %d: %w", c.partition, err)
	}
	c.view, c.high, c.earliest = view, view.HighWatermark(), view.LogStart()
	if !c.fixed {
		c.end = c.high
	}
	if !c.started {
		if err := r.begin(c, last); err != nil {
			return err
		}
	}
	if c.next < c.earliest {
		c.gap += c.earliest - c.next
		c.next, c.lost = c.earliest, c.earliest
	}
	return r.bound(c, last)
}

// begin sets next to the plan's start; one that is a time past the newest record is the end.
func (r *rounds) begin(c *cursor, last bool) error {
	offset, ok := r.plan.start.find(c.partition, c.earliest, c.high)
	if !ok {
		var err error
		offset, _, ok, err = r.search.find(c.view, r.plan.start.Time, c.earliest)
		switch {
		case err != nil && (last || !errors.Is(err, broker.ErrGone)) && c.meet(err):
			return nil
		case err != nil:
			return r.about(c, err)
		case !ok:
			offset = c.high
		}
	}
	c.startAt(offset)
	return nil
}

// bound finds the end that to_time sets, if it has not been found yet. Damage can't be it: whoever reads meets that
// before. A file that can't be read can, so nothing after it is read.
func (r *rounds) bound(c *cursor, last bool) error {
	q := &r.ask.query
	if !q.HasUntil || c.fixed && c.end >= c.earliest {
		return nil
	}
	c.end, c.fixed, c.hidden = c.high, false, nil
	for c.looked = max(c.looked, c.earliest); c.looked < c.high; {
		offset, _, ok, err := r.search.find(c.view, q.Until, c.looked)
		var corrupt *broker.CorruptError
		var hidden *broker.UnreadableError
		switch {
		case errors.As(err, &corrupt):
			c.looked = max(corrupt.NextGoodOffset, c.looked+1)
		case errors.As(err, &hidden) && (last || !errors.Is(err, broker.ErrGone)):
			c.end, c.hidden = hidden.FirstOffset, hidden
			return nil
		case err != nil:
			return r.about(c, err)
		case ok:
			c.end, c.fixed = offset, true
			return nil
		default:
			c.looked = c.high
		}
	}
	return nil
}

// about says of which partition an error of its view is.
func (r *rounds) about(c *cursor, err error) error {
	return aboutPartition(r.plan.topic, c.partition, err)
}
