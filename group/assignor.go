package group

import (
	"cmp"
	"slices"
)

// assignor assigns one topic: each reader is to have least partitions, and some one more.
type assignor struct {
	*assignment

	readers []*member // sorted by name
	least   int
	held    map[*member]int // what each has now
	more    map[*member]bool
}

// newAssignor decides what moves the fewest partitions of this topic: whoever holds more keeps more.
func newAssignor(s *assignment, readers []*member) *assignor {
	h := &assignor{
		assignment: s, readers: readers, least: len(s.slots) / len(readers), held: map[*member]int{},
		more: map[*member]bool{},
	}
	for p := range s.slots {
		h.held[s.slots[p].owner]++
	}
	order := slices.Clone(readers)
	slices.SortStableFunc(order, func(a, b *member) int { return cmp.Compare(h.held[b], h.held[a]) })
	for _, m := range order[:len(s.slots)%len(readers)] {
		h.more[m] = true
	}
	return h
}

// balance shares out over all topics who has one more, so that of many small topics not all go to the same member. Each
// step makes the differences smaller, so it ends; members who ask for the same topics end within one of each other.
func balance(all []*assignor) {
	load := map[*member]int{}
	for _, h := range all {
		for _, m := range h.readers {
			load[m] += h.least
			if h.more[m] {
				load[m]++
			}
		}
	}
	for again := len(all) > 1; again; {
		again = false
		for _, h := range all {
			for h.even(load) {
				again = true
			}
		}
	}
}

// even moves one more from the reader who has most of all topics to the one who has least; false when that helps
// nobody. Where several have as much, it moves what has to move anyway.
func (h *assignor) even(load map[*member]int) bool {
	var from, to *member
	for _, m := range h.readers {
		switch {
		case h.more[m]:
			if from == nil || cmp.Or(cmp.Compare(load[m], load[from]), cmp.Compare(h.held[from], h.held[m])) > 0 {
				from = m
			}
		case to == nil || cmp.Or(cmp.Compare(load[m], load[to]), cmp.Compare(h.held[to], h.held[m])) < 0:
			to = m
		}
	}
	if from == nil || to == nil || load[from] < load[to]+2 {
		return false
	}
	delete(h.more, from)
	h.more[to] = true
	load[from]--
	load[to]++
	return true
}

// setTargets sets the targets: who holds keeps, as far as there is room, and the rest goes to those who have too few.
func (h *assignor) setTargets() {
	room := map[*member]int{}
	for _, m := range h.readers {
		room[m] = h.least
		if h.more[m] {
			room[m]++
		}
	}
	for p := range h.slots {
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
		for room[h.readers[next]] == 0 {
			next++
		}
		h.slots[p].target = h.readers[next]
		room[h.readers[next]]--
	}
}
