package actor

import "flashq/broker"

// poke wakes those for whom something has changed in a group.
func (s *shardOwner) poke(name string) {
	for w := range s.watches[name] {
		if s.groups.Seen(name, w.Member) != w.Seen {
			s.unlink(w)
			fire(w.Waiter, &w.Fired)
		}
	}
}

// watch links a watch, and holds its member's lease. The comparison happens in the owner, so no wake-up is lost.
func (s *shardOwner) watch(w *broker.GroupWatch) {
	if w.Member != "" {
		w.Held = s.groups.Hold(w.Group, w.Member, w.Held)
	}
	if s.groups.Seen(w.Group, w.Member) != w.Seen {
		fire(w.Waiter, &w.Fired)
		return
	}
	if s.watches[w.Group] == nil {
		s.watches[w.Group] = map[*broker.GroupWatch]bool{}
	}
	s.watches[w.Group][w] = true
}

func (s *shardOwner) unlink(w *broker.GroupWatch) {
	delete(s.watches[w.Group], w)
	if len(s.watches[w.Group]) == 0 {
		delete(s.watches, w.Group)
	}
}

// unwatch ends a watch and its hold on the lease.
func (s *shardOwner) unwatch(w *broker.GroupWatch) {
	s.unlink(w)
	if w.Held != 0 {
		s.groups.Release(w.Group, w.Member, w.Held, nowMillis())
		w.Held = 0
	}
}
