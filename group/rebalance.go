package group

import (
	"cmp"
	"slices"

	"flashq/segment/batch"
)

// rebalance says anew who is to have which partition, of the topics that have changed and of those that this bears on.
func (s *Shard) rebalance(g *state, topics Topics) {
	for _, h := range g.changed {
		if len(h.readers) > 0 {
			h.shape(topics)
			g.share(h, &s.scratch)
		}
	}
	g.balance(&s.scratch) // changes more of them
	for _, h := range g.changed {
		h.changed = false
		if len(h.readers) > 0 {
			s.setTargets(g, h)
		}
	}
	g.changed = emptied(g.changed)
}

// change notes that a topic is to be assigned anew.
func (g *state) change(h *assignment) {
	if !h.changed {
		h.changed = true
		g.changed = append(g.changed, h)
	}
}

// shape takes a topic as it is now, where it is not known yet.
func (h *assignment) shape(topics Topics) {
	if !h.shaped {
		id, partitions := topics(h.topic)
		h.shaped, h.id, h.slots = true, id, make([]slot, partitions)
	}
}

// addReader and removeReader say who asks for a topic; one that nobody asks for any more is forgotten.
func (g *state) addReader(topic string, m *member) {
	h := g.assigned[topic]
	if h == nil {
		h = &assignment{topic: topic}
		g.assigned[topic] = h
	}
	at, _ := h.findReader(m)
	h.readers = slices.Insert(h.readers, at, reader{member: m})
	g.change(h)
}

// removeReader frees what the member holds of the topic: it is nobody's until it is assigned.
func (g *state) removeReader(h *assignment, m *member) {
	at, _ := h.findReader(m)
	g.setWant(&h.readers[at], 0)
	for p := range h.slots {
		if slot := &h.slots[p]; slot.owner == m {
			slot.free()
		}
	}
	if h.readers = slices.Delete(h.readers, at, at+1); len(h.readers) == 0 {
		delete(g.assigned, h.topic)
	}
	g.change(h)
}

func (h *assignment) findReader(m *member) (at int, found bool) {
	return slices.BinarySearchFunc(h.readers, m.name, func(r reader, name string) int {
		return cmp.Compare(r.name, name)
	})
}

// assign gives a partition to whom it is meant for.
func (s *Shard) assign(g *state, slot *slot) {
	slot.free()
	slot.owner, slot.since = slot.target, g.generation
	s.touch(slot.owner)
}

// revoke takes from a member what it is not to have any more.
func (s *Shard) revoke(g *state, m *member) {
	for _, h := range m.reads {
		if m.moving == 0 {
			return
		}
		for p := range h.slots {
			if slot := &h.slots[p]; slot.owner == m && slot.target != m {
				s.assign(g, slot)
			}
		}
	}
}

// stale tells whether a topic is not any more what it was when it was assigned.
func (h *assignment) stale(topics Topics) bool {
	id, partitions := topics(h.topic)
	return partitions != len(h.slots) || partitions > 0 && id != h.id
}

// Refresh plans that a topic that was made or deleted is assigned anew in all groups whose members ask for it.
func (s *Shard) Refresh(topic string, topics Topics, now int64) Plan {
	var names []string
	var w batch.Builder
	for name, g := range s.groups {
		if h := g.assigned[topic]; h != nil && h.stale(topics) {
			names = append(names, name)
			s.addGeneration(&w, name, now)
		}
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		for _, name := range names {
			if g := s.groups[name]; g != nil && g.assigned[topic] != nil {
				s.dropStale(g, g.assigned[topic])
				s.rebalance(g, topics)
			}
		}
	}}
}

// dropStale forgets what is stale of a group's topic. All who ask for it are told: they may not hold anything.
func (s *Shard) dropStale(g *state, h *assignment) {
	for p := range h.slots {
		h.slots[p].free()
	}
	h.shaped, h.slots = false, nil
	for i := range h.readers {
		g.setWant(&h.readers[i], 0)
		s.touch(h.readers[i].member)
	}
	g.change(h)
}
