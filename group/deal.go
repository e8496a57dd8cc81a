package group

import (
	"cmp"
	"maps"
	"slices"

	"flashq/segment/batch"
)

// deal says anew who is to have which partition. What nobody holds goes to its new owner at once; what somebody holds
// stays until its owner's next call.
func (s *Shard) deal(g *state, topics Topics) {
	readers := map[string][]*member{} // by topic, sorted by name
	for _, name := range slices.Sorted(maps.Keys(g.members)) {
		for _, topic := range g.members[name].topics {
			readers[topic] = append(readers[topic], g.members[name])
		}
	}
	maps.DeleteFunc(g.shares, func(topic string, _ *share) bool { return readers[topic] == nil })
	load := map[*member]int{}
	for _, topic := range slices.Sorted(maps.Keys(readers)) {
		share := g.shares[topic]
		if share == nil {
			share = newShare(topic, topics)
			g.shares[topic] = share
		}
		share.aim(readers[topic], load)
		for p := range share.slots {
			switch slot := &share.slots[p]; {
			case slot.owner == nil:
				s.hand(g, slot)
			case slot.owner != slot.target:
				s.touch(slot.owner)
			}
		}
	}
}

func newShare(topic string, topics Topics) *share {
	id, partitions := topics(topic)
	return &share{id: id, slots: make([]slot, partitions)}
}

// aim sets the targets of one topic: balanced within one over its readers, who are sorted by name, and moving the
// fewest partitions. load is what each reader got of other topics: who has less goes first where nothing else decides.
func (h *share) aim(readers []*member, load map[*member]int) {
	held := map[*member]int{}
	for p := range h.slots {
		held[h.slots[p].owner]++
	}
	order := slices.Clone(readers)
	slices.SortStableFunc(order, func(a, b *member) int {
		return cmp.Or(cmp.Compare(held[b], held[a]), cmp.Compare(load[a], load[b]))
	})
	room := map[*member]int{}
	for i, m := range order {
		room[m] = len(h.slots) / len(order)
		if i < len(h.slots)%len(order) { // whoever holds more keeps more
			room[m]++
		}
		load[m] += room[m]
	}
	for p := range h.slots { // who holds keeps, as far as there is room
		slot := &h.slots[p]
		slot.target = nil
		if room[slot.owner] > 0 {
			slot.target = slot.owner
			room[slot.owner]--
		}
	}
	next := 0
	for p := range h.slots {
		if h.slots[p].target != nil {
			continue
		}
		for room[readers[next]] == 0 {
			next++
		}
		h.slots[p].target = readers[next]
		room[readers[next]]--
	}
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
func (s *Shard) Refresh(topic string, topics Topics, now int64) Change {
	var names []string
	var w batch.Builder
	for name, g := range s.groups {
		if h := g.shares[topic]; h != nil && h.stale(topic, topics) {
			names = append(names, name)
			s.say(&w, name, now)
		}
	}
	return Change{Batch: w.Finish(), Apply: func() {
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
