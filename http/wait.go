package http

import (
	"fmt"
	"time"

	"flashq/broker"
)

// mostIdle is how many pokes in a row may bring nothing before a partition is no longer watched in this fetch: one that
// has failed pokes for ever.
const mostIdle = 64

// wait is the long poll: it parks the handler until enough has come, the deadline passes, the peer is gone, or the
// server drains, and holds neither views nor slabs beyond the answer so far meanwhile. Only this goroutine knows the
// deadline.
func (f *fetching) wait() error {
	if !f.s.waiters.take(1) {
		return f.s.overloaded("Too many fetches are waiting")
	}
	defer f.s.waiters.give(1)
	w := &broker.Waiter{Ready: make(chan struct{}, 1)}
	party := f.joinParty(w)
	defer f.leave(w, party)
	deadline := time.Now().Add(f.query.timeout)
	timer := time.NewTimer(min(f.query.timeout, peerCheck)) // one for both: each costs as much as the rest of a wait
	defer timer.Stop()
	peer := lookAfter(f.conn)
	for {
		if err := f.watch(w, party); err != nil {
			return err
		}
		select {
		case <-w.Ready:
		case <-timer.C:
			left := time.Until(deadline)
			if left <= 0 || peer.gone() {
				return nil
			}
			timer.Reset(min(left, peerCheck))
			continue
		case <-f.s.drain:
			return nil
		}
		if over, err := f.hear(party); err != nil || over {
			return err
		}
		if err := f.collect((*cursor).news); err != nil {
			return err
		}
		if f.satisfied() {
			return nil
		}
	}
}

// watch asks to be poked for the group and for every partition, as far as they are not watched yet.
func (f *fetching) watch(w *broker.Waiter, party *broker.GroupWatch) error {
	if party != nil && party.Fired.Load() {
		party.Fired.Store(false)
		party.Seen = f.seen
		if err := f.s.cfg.Broker.WatchGroup(party); err != nil {
			return fmt.Errorf("group %s: watch: %w", party.Group, err)
		}
	}
	for i := range f.cursors {
		c := &f.cursors[i]
		if c.watch != nil && !c.watch.Fired.Load() || c.idle > mostIdle || f.takeBack(c) {
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

// news tells whether the partition is to be read: it is new in this fetch, or was poked.
func (c *cursor) news() bool { return !c.started || c.poked() }

// poked tells whether the partition has news since it was looked at, and counts pokes that had none.
func (c *cursor) poked() bool {
	if c.watch == nil || !c.watch.Fired.Load() {
		return false
	}
	c.idle++
	return true
}

// leave tells the owners of what was watched that nobody waits any more.
func (f *fetching) leave(w *broker.Waiter, party *broker.GroupWatch) {
	w.Gone.Store(true)
	for _, list := range [][]cursor{f.cursors, f.shed} {
		for i := range list {
			if c := &list[i]; c.watch != nil && !c.watch.Fired.Load() {
				f.topic.Leave(c.partition, c.watch)
			}
		}
	}
	if party != nil {
		f.s.cfg.Broker.LeaveGroup(party)
	}
}
