package http

import (
	"fmt"
	"time"

	"flashq/broker"
)

// mostIdle is how many pokes in a row may bring nothing before a partition is no longer watched in this fetch: one that
// has failed pokes for ever.
const mostIdle = 64

// wait is the long poll: it parks the handler until enough has come, the deadline passes, or the server drains, and
// holds neither views nor slabs beyond the answer so far meanwhile. Only this goroutine knows the deadline.
func (f *fetching) wait() error {
	if !f.s.waiters.take(1) {
		return f.s.overloaded("Too many fetches are waiting")
	}
	defer f.s.waiters.give(1)
	w := &broker.Waiter{Ready: make(chan struct{}, 1)}
	defer f.leave(w)
	timer := time.NewTimer(f.query.timeout)
	defer timer.Stop()
	for {
		if err := f.watch(w); err != nil {
			return err
		}
		select {
		case <-w.Ready:
		case <-timer.C:
			return nil
		case <-f.s.drain:
			return nil
		}
		if err := f.collect((*cursor).poked); err != nil {
			return err
		}
		if f.satisfied() {
			return nil
		}
	}
}

// watch asks to be poked for every partition that is not watched yet.
func (f *fetching) watch(w *broker.Waiter) error {
	for i := range f.cursors {
		c := &f.cursors[i]
		if c.watch != nil && !c.watch.Fired.Load() || c.idle > mostIdle {
			continue
		}
		c.watch = &broker.Watch{Waiter: w, From: max(c.high, c.next)}
		if err := f.topic.Watch(c.partition, c.watch); err != nil {
			c.watch = nil
			return fmt.Errorf("partition %d: watch: %w", c.partition, err)
		}
	}
	return nil
}

// poked tells whether the partition has news since it was looked at, and counts pokes that had none.
func (c *cursor) poked() bool {
	if c.watch == nil || !c.watch.Fired.Load() {
		return false
	}
	c.idle++
	return true
}

// leave tells the owners of watched partitions that nobody waits any more.
func (f *fetching) leave(w *broker.Waiter) {
	w.Gone.Store(true)
	for i := range f.cursors {
		if c := &f.cursors[i]; c.watch != nil && !c.watch.Fired.Load() {
			f.topic.Leave(c.partition, c.watch)
		}
	}
}
