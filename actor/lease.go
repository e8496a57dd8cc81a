package actor

import (
	"time"

	"flashq/broker"
	"flashq/group"
)

// leaseTimer is a shard's one timer: for the earliest end of a lease. It belongs to run.
type leaseTimer struct {
	timer *time.Timer
	ends  <-chan time.Time // nil in a topic's partition
	at    int64            // when it fires, milliseconds; 0 while it does not run
}

func newLeaseTimer() leaseTimer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return leaseTimer{timer: t, ends: t.C}
}

func (t *leaseTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

// leaseRetry is when leases are looked at again whose end could not be written, in milliseconds.
const leaseRetry = 1000

// armLeases sets the timer. One that fires early is no harm: a heartbeat does not move it.
func (a *Actor) armLeases() {
	due, ok := a.shard.Due()
	if !ok || a.failed != nil {
		return
	}
	now := nowMillis()
	if due <= now {
		due = now + leaseRetry
	}
	if a.leases.at == 0 || due < a.leases.at {
		a.leases.at = due
		a.leases.timer.Reset(time.Duration(due-now) * time.Millisecond)
	}
}

// expireLeases ends the members whose time is up, in a request of the owner to itself, since it has to be written.
func (a *Actor) expireLeases() {
	a.leases.at = 0
	a.queue = append(a.queue, &request{
		reply: make(chan error, 1), plain: true,
		change: func(s *group.Shard) (group.Change, error) { return s.Expire(a.topics, nowMillis()), nil },
	})
	a.commit()
	a.armLeases()
}

// pokeGroup wakes those for whom something has changed in a group.
func (a *Actor) pokeGroup(name string) {
	for w := range a.audience[name] {
		if a.shard.Seen(name, w.Member) != w.Seen {
			a.unlinkGroup(w)
			fire(w.Waiter, &w.Fired)
		}
	}
}

// pokeAudience wakes everybody: the shard is no more.
func (a *Actor) pokeAudience() {
	for _, all := range a.audience {
		for w := range all {
			fire(w.Waiter, &w.Fired)
		}
	}
	clear(a.audience)
}

// watchGroup links a watch, and holds its member's lease. The comparison happens in the owner, so no wake-up is lost.
func (a *Actor) watchGroup(w *broker.GroupWatch) {
	if w.Member != "" {
		w.Held = a.shard.Hold(w.Group, w.Member, w.Held)
	}
	if a.shard.Seen(w.Group, w.Member) != w.Seen {
		fire(w.Waiter, &w.Fired)
		return
	}
	if a.audience[w.Group] == nil {
		a.audience[w.Group] = map[*broker.GroupWatch]bool{}
	}
	a.audience[w.Group][w] = true
}

func (a *Actor) unlinkGroup(w *broker.GroupWatch) {
	delete(a.audience[w.Group], w)
	if len(a.audience[w.Group]) == 0 {
		delete(a.audience, w.Group)
	}
}

// leaveGroup ends a watch and its hold on the lease.
func (a *Actor) leaveGroup(w *broker.GroupWatch) {
	a.unlinkGroup(w)
	if w.Held != 0 {
		a.shard.Release(w.Group, w.Member, w.Held, nowMillis())
		w.Held = 0
	}
}
