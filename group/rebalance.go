package group

import (
	"cmp"
	"maps"
	"slices"

	"flashq/segment/batch"
)

// rebalance says anew who is to have which partition. What nobody holds goes to its new owner at once; what somebody
// holds stays until its owner's next call.
func (s *Shard) rebalance(g *state, topics Topics) {
	assignors := g.assignors(topics)
	g.balance(assignors)
	for _, h := range assignors {
		h.setTargets()
		for p := range h.slots {
			switch slot := &h.slots[p]; {
			case slot.owner == nil:
				s.assign(g, slot)
			case slot.owner != slot.target:
				s.touch(slot.owner)
			}
		}
	}
}

// assignors are for the topics that members ask for, sorted by name.
func (g *state) assignors(topics Topics) (all []*assignor) {
	for _, topic := range slices.Sorted(maps.Keys(g.assigned)) {
		a := g.assigned[topic]
		if !a.shaped {
			id, partitions := topics(topic)
			a.shaped, a.id, a.slots = true, id, make([]slot, partitions)
		}
		all = append(all, newAssignor(a))
	}
	return all
}

// addReader and removeReader say who asks for a topic; one that nobody asks for any more is forgotten.
func (g *state) addReader(topic string, m *member) {
	a := g.assigned[topic]
	if a == nil {
		a = &assignment{}
		g.assigned[topic] = a
	}
	at, _ := a.findReader(m)
	a.readers = slices.Insert(a.readers, at, m)
}

func (g *state) removeReader(topic string, m *member) {
	a := g.assigned[topic]
	if at, reads := a.findReader(m); reads {
		a.readers = slices.Delete(a.readers, at, at+1)
	}
	if len(a.readers) == 0 {
		delete(g.assigned, topic)
	}
}

func (h *assignment) findReader(m *member) (at int, found bool) {
	return slices.BinarySearchFunc(h.readers, m.name, func(r *member, name string) int {
		return cmp.Compare(r.name, name)
	})
}

// assign gives a partition to whom it is meant for.
func (s *Shard) assign(g *state, slot *slot) {
	slot.owner, slot.since = slot.target, g.generation
	s.touch(slot.owner)
}

// revoke takes from a member what it is not to have any more.
func (s *Shard) revoke(g *state, m *member) {
	for _, a := range g.assigned {
		for p := range a.slots {
			if slot := &a.slots[p]; slot.owner == m && slot.target != m {
				s.assign(g, slot)
			}
		}
	}
}

// stale tells whether a topic is not any more what it was when it was assigned.
func (h *assignment) stale(topic string, topics Topics) bool {
	id, partitions := topics(topic)
	return partitions != len(h.slots) || partitions > 0 && id != h.id
}

// Refresh plans that a topic that was made or deleted is assigned anew in all groups whose members ask for it.
func (s *Shard) Refresh(topic string, topics Topics, now int64) Plan {
	var names []string
	var w batch.Builder
	for name, g := range s.groups {
		if h := g.assigned[topic]; h != nil && h.stale(topic, topics) {
			names = append(names, name)
			s.addGeneration(&w, name, now)
		}
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		for _, name := range names {
			if g := s.groups[name]; g != nil {
				s.dropStale(g, topics)
				s.rebalance(g, topics)
			}
		}
	}}
}

// dropStale forgets what is stale of a group's topics. All who ask for them are told: they may not hold anything.
func (s *Shard) dropStale(g *state, topics Topics) {
	for topic, h := range g.assigned {
		if !h.stale(topic, topics) {
			continue
		}
		h.shaped, h.slots = false, nil
		for _, m := range h.readers {
			s.touch(m)
		}
	}
}
