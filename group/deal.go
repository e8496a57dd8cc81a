package group

import (
	"maps"
	"slices"

	"flashq/segment/batch"
)

// deal says anew who is to have which partition. What nobody holds goes to its new owner at once; what somebody holds
// stays until its owner's next call.
func (s *Shard) deal(g *state, topics Topics) {
	hands := g.hands(topics)
	level(hands)
	for _, h := range hands {
		h.aim()
		for p := range h.slots {
			switch slot := &h.slots[p]; {
			case slot.owner == nil:
				s.hand(g, slot)
			case slot.owner != slot.target:
				s.touch(slot.owner)
			}
		}
	}
}

// hands are the topics that members ask for, sorted by name; what nobody asks for any more is forgotten.
func (g *state) hands(topics Topics) (all []*hands) {
	readers := map[string][]*member{} // by topic, sorted by name
	for _, name := range slices.Sorted(maps.Keys(g.members)) {
		for _, topic := range g.members[name].topics {
			readers[topic] = append(readers[topic], g.members[name])
		}
	}
	maps.DeleteFunc(g.shares, func(topic string, _ *share) bool { return readers[topic] == nil })
	for _, topic := range slices.Sorted(maps.Keys(readers)) {
		if g.shares[topic] == nil {
			id, partitions := topics(topic)
			g.shares[topic] = &share{id: id, slots: make([]slot, partitions)}
		}
		all = append(all, newHands(g.shares[topic], readers[topic]))
	}
	return all
}

// hand gives a partition to whom it is meant for.
func (s *Shard) hand(g *state, slot *slot) {
	slot.owner, slot.since = slot.target, g.generation
	s.touch(slot.owner)
}

// letGo takes from a member what it is not to have any more.
func (s *Shard) letGo(g *state, m *member) {
	for _, share := range g.shares {
		for p := range share.slots {
			if slot := &share.slots[p]; slot.owner == m && slot.target != m {
				s.hand(g, slot)
			}
		}
	}
}

// stale tells whether a topic is not any more what it was when it was dealt out.
func (h *share) stale(topic string, topics Topics) bool {
	id, partitions := topics(topic)
	return partitions != len(h.slots) || partitions > 0 && id != h.id
}

// Refresh asks for a topic that was made or deleted to be dealt out anew in all groups whose members ask for it.
func (s *Shard) Refresh(topic string, topics Topics, now int64) Plan {
	var names []string
	var w batch.Builder
	for name, g := range s.groups {
		if h := g.shares[topic]; h != nil && h.stale(topic, topics) {
			names = append(names, name)
			s.say(&w, name, now)
		}
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		for _, name := range names {
			if g := s.groups[name]; g != nil {
				s.refresh(g, topics)
				s.deal(g, topics)
			}
		}
	}}
}

// refresh forgets what is stale of a group's topics. All who ask for them are told: they may not hold anything.
func (s *Shard) refresh(g *state, topics Topics) {
	for topic, h := range g.shares {
		if !h.stale(topic, topics) {
			continue
		}
		delete(g.shares, topic)
		for _, m := range g.members {
			if slices.Contains(m.topics, topic) {
				s.touch(m)
			}
		}
	}
}
