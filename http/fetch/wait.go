package fetch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"flashq/broker"
	"flashq/broker/poll"
	"flashq/http/request"
)

// wait is the long poll: it parks the handler until enough has come, the deadline passes, the peer is gone, or the
// server drains, and holds neither views nor slabs beyond the answer so far meanwhile. Only this goroutine knows the
// deadline.
func (f *fetching) wait() error {
	if !f.env.Waiters.Take(1) {
		return overloaded("Too many fetches are waiting")
	}
	defer f.env.Waiters.Give(1)
	defer func(began time.Time) { f.waited = time.Since(began) }(time.Now())
	p := poll.New(len(f.rounds.cursors))
	defer p.Leave()
	deadline := time.NewTimer(f.query.Timeout)
	defer deadline.Stop()
	peer := f.env.Peers.Watch(f.conn)
	defer peer.Stop()
	until := poll.Until{Timeout: deadline.C, Gone: peer.Gone(), Drain: f.env.Drain, Revoked: f.revoked}
	for {
		if err := f.watch(p); err != nil || f.satisfied() {
			return err
		}
		if !p.Park(until) {
			return f.checkToken()
		}
		if over, err := f.followGroup(p); err != nil || over {
			return err
		}
		if err := f.rounds.collect((*cursor).news); err != nil {
			return err
		}
		if f.satisfied() {
			return nil
		}
	}
}

// watch asks to be woken for the group and for every partition in which something may come, as far as they are not
// watched yet. One that went down meanwhile is told.
func (f *fetching) watch(p *poll.Poll) error {
	if err := f.watchGroup(p); err != nil {
		return err
	}
	return f.watchPartitions(p)
}

func (f *fetching) watchGroup(p *poll.Poll) error {
	if q := &f.query; q.Group != "" {
		if err := p.WatchGroup(f.env.Broker, q.Group, q.Member, f.plan.seen); err != nil {
			return fmt.Errorf("group %s: watch: %w", q.Group, err)
		}
	}
	return nil
}

func (f *fetching) watchPartitions(p *poll.Poll) error {
	for i := range f.rounds.cursors {
		c := &f.rounds.cursors[i]
		if c.done() {
			continue
		}
		var err error
		c.place, err = p.Watch(c.place, f.plan.topic, c.partition, max(c.high, c.next))
		switch {
		case errors.Is(err, broker.ErrStorage):
			c.fail(&f.plan.start)
		case err != nil:
			return fmt.Errorf("partition %d: watch: %w", c.partition, err)
		}
	}
	return nil
}

// followGroup asks the reader again when something has changed in its group. over tells that the wait ends instead:
// what was read already is answered as it was read, and the next call gives up what the reader is not to have any more.
func (f *fetching) followGroup(p *poll.Poll) (over bool, err error) {
	if !p.GroupNews() {
		return false, nil
	}
	if f.rounds.tally.taken.Records > 0 {
		return true, nil
	}
	before := f.plan.committed
	if f.plan, err = f.reader.again(&f.plan); err != nil {
		return true, err
	}
	for _, old := range f.rounds.reopen(before) {
		p.Drop(old.place)
	}
	return false, nil
}

// reopen makes the cursors anew, and gives those that are not needed any more. One whose partition and commit are as
// before goes on where it is, since a fetch that began at the end must miss nothing; so does one that began elsewhere
// than at the commit.
func (r *rounds) reopen(before []request.Mark) (left []cursor) {
	return r.renew(func(partition int) bool {
		was, had := request.FindMark(before, partition)
		is, has := request.FindMark(r.plan.committed, partition)
		return r.ask.query.Start.By != "" || was == is && had == has
	})
}

// renew makes the cursors anew but for those that go on where they are, and gives those that are not needed any more.
func (r *rounds) renew(goesOn func(partition int) bool) (left []cursor) {
	old := r.cursors
	r.cursors = make([]cursor, 0, len(old))
	r.open()
	for i := range r.cursors {
		c := &r.cursors[i]
		at := slices.IndexFunc(old, func(o cursor) bool { return o.partition == c.partition })
		if at >= 0 && goesOn(c.partition) {
			*c = old[at]
			old[at].place = nil
		}
	}
	return old
}
