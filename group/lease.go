package group

import (
	"container/heap"
	"slices"

	"flashq/segment/batch"
)

// leases is a heap of members by due. A heartbeat leaves a member where it is: when its turn comes too early, it is put
// back to its lease's end.
type leases []*member

func (l leases) Len() int           { return len(l) }
func (l leases) Less(i, j int) bool { return l[i].due < l[j].due }
func (l leases) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

// Push implements heap.Interface.
func (l *leases) Push(x any) {
	m := x.(*member) //nolint:forcetypeassert // heap gives back what it was given
	m.index = len(*l)
	*l = append(*l, m)
}

// Pop implements heap.Interface.
func (l *leases) Pop() any {
	last := len(*l) - 1
	m := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	m.index = -1
	return m
}

// renew begins a member's lease at now.
func (s *Shard) renew(m *member, now int64) {
	m.end = now + m.session
	switch {
	case m.index < 0:
		m.due = m.end
		heap.Push(&s.leases, m)
	case m.end < m.due: // its session became shorter
		s.postpone(m, m.end)
	}
}

func (s *Shard) postpone(m *member, due int64) {
	m.due = due
	heap.Fix(&s.leases, m.index)
}

func (s *Shard) endLease(m *member) {
	if m.index >= 0 {
		heap.Remove(&s.leases, m.index)
	}
}

// Due is when Expire and Rewrite are to be called next: at the earliest end of a lease, or before. ok is false where
// nothing is to come.
func (s *Shard) Due() (at int64, ok bool) {
	if len(s.unwritten) > 0 {
		at, ok = s.rewriteAt, true
	}
	if len(s.leases) > 0 && (!ok || s.leases[0].due < at) {
		at, ok = s.leases[0].due, true
	}
	return at, ok
}

// retryAfter is when something is tried again that could not be written, in milliseconds.
const retryAfter = 1000

// Expire plans the end of the members whose lease has ended.
func (s *Shard) Expire(topics Topics, now int64) Plan {
	var dead []*member
	for len(s.leases) > 0 && s.leases[0].due <= now {
		m := s.leases[0]
		if m.alive(now) {
			s.postpone(m, m.expires(now))
			continue
		}
		s.postpone(m, now+retryAfter)
		dead = append(dead, m)
	}
	return s.end(dead, topics, now)
}

// Leave plans the end of a member: ErrGroupNotFound, ErrMemberNotFound.
func (s *Shard) Leave(group, name string, topics Topics, now int64) (Plan, error) {
	g := s.groups[group]
	switch {
	case g == nil:
		return Plan{}, notFound(group)
	case !g.members[name].alive(now):
		return Plan{}, memberNotFound(group, name)
	}
	return s.end([]*member{g.members[name]}, topics, now), nil
}

// end plans the end of members, of any groups.
func (s *Shard) end(dead []*member, topics Topics, now int64) Plan {
	if len(dead) == 0 {
		return Plan{}
	}
	leaving := map[string][]*member{}
	for _, m := range dead {
		leaving[m.group] = append(leaving[m.group], m)
	}
	var w batch.Builder
	for name, some := range leaving {
		g := s.groups[name]
		if len(some) == len(g.members) && !g.explicit && len(g.commits) == 0 {
			w.Add(now, groupKey(name), nil) // nothing is left of it
			continue
		}
		s.addGeneration(&w, name, now)
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		for name, some := range leaving {
			g := s.groups[name]
			if len(some) == len(g.members) {
				s.disband(name, g)
				continue
			}
			for _, m := range some {
				s.remove(g, m)
			}
			s.rebalance(g, topics)
		}
	}}
}

// Hold keeps a member's lease while a call of it waits: until Release with the number that it gives, which is 0 where
// there is no such member. held is what an earlier Hold of the same call gave, or 0.
func (s *Shard) Hold(group, name string, held uint64) (born uint64) {
	g := s.groups[group]
	if g == nil || g.members[name] == nil {
		return 0
	}
	m := g.members[name]
	if m.born != held {
		m.waiting++
	}
	return m.born
}

// Release ends a Hold: the lease counts from now on.
func (s *Shard) Release(group, name string, born uint64, now int64) {
	g := s.groups[group]
	if g == nil || g.members[name] == nil || g.members[name].born != born {
		return
	}
	m := g.members[name]
	m.waiting--
	s.renew(m, now)
}

// union adds to a sorted list without changing it.
func union(list, more []string) []string {
	all := slices.Concat(list, more)
	slices.Sort(all)
	return slices.Compact(all)
}
