package group

import "math"

// assignor assigns one topic: each reader is to have least partitions, and some one more. Lists are by reader.
type assignor struct {
	*assignment

	least int
	held  []int // what each has now
	more  []bool
}

// newAssignor decides what moves the fewest partitions of this topic: whoever holds more keeps more.
func newAssignor(s *assignment) *assignor {
	n := len(s.readers)
	h := &assignor{assignment: s, least: len(s.slots) / n, held: make([]int, n), more: make([]bool, n)}
	h.number()
	for p := range s.slots {
		if i, reads := h.place(s.slots[p].owner); reads {
			h.held[i]++
		}
	}
	h.giveMore(len(s.slots) % n)
	return h
}

// number notes each reader's place in the lists, for place, until another topic's are noted.
func (h *assignor) number() {
	for i, m := range h.readers {
		m.place = i
	}
}

func (h *assignor) place(m *member) (i int, reads bool) {
	if m == nil || m.place >= len(h.readers) || h.readers[m.place] != m {
		return 0, false
	}
	return m.place, true
}

// giveMore gives one more to so many of those who hold most, the first ones where several hold as much. It counts how
// many hold how much instead of sorting them: most hold nothing where there are many.
func (h *assignor) giveMore(left int) {
	holding := make([]int, len(h.slots)+1) // how many readers hold so much
	for _, n := range h.held {
		holding[n]++
	}
	lowest := len(h.slots) // that gets more
	for above := 0; lowest > 0 && above+holding[lowest] < left; lowest-- {
		above += holding[lowest]
	}
	for i, n := range h.held {
		if n > lowest {
			h.more[i] = true
			left--
		}
	}
	for i, n := range h.held {
		if n == lowest && left > 0 {
			h.more[i] = true
			left--
		}
	}
}

// balance shares out over all topics who has one more, so that of many small topics not all go to the same member. Each
// step makes the differences smaller, so it ends; members who ask for the same topics end within one of each other.
func (g *state) balance(all []*assignor) {
	for _, m := range g.members {
		m.load = 0
	}
	for _, h := range all {
		for i, m := range h.readers {
			m.load += h.least
			if h.more[i] {
				m.load++
			}
		}
	}
	for again := true; again && g.uneven(); { // else no step helps
		again = false
		for _, h := range all {
			for h.even() {
				again = true
			}
		}
	}
}

// uneven tells whether any two members differ by more than one.
func (g *state) uneven() bool {
	least, most := math.MaxInt, 0
	for _, m := range g.members {
		least, most = min(least, m.load), max(most, m.load)
	}
	return most >= least+2
}

// even moves one more from the reader who has most of all topics to the one who has least; false when that helps
// nobody. Where several have as much, it moves what has to move anyway.
func (h *assignor) even() bool {
	from, to := -1, -1
	for i, m := range h.readers {
		if h.more[i] {
			if from < 0 || m.load > h.readers[from].load || m.load == h.readers[from].load && h.held[i] < h.held[from] {
				from = i
			}
		} else if to < 0 || m.load < h.readers[to].load || m.load == h.readers[to].load && h.held[i] > h.held[to] {
			to = i
		}
	}
	if from < 0 || to < 0 || h.readers[from].load < h.readers[to].load+2 {
		return false
	}
	h.more[from], h.more[to] = false, true
	h.readers[from].load--
	h.readers[to].load++
	return true
}

// setTargets sets the targets: who holds keeps, as far as there is room, and the rest goes to those who have too few.
func (h *assignor) setTargets() {
	room := make([]int, len(h.readers))
	for i := range room {
		room[i] = h.least
		if h.more[i] {
			room[i]++
		}
	}
	h.number()
	for p := range h.slots {
		slot := &h.slots[p]
		slot.target = nil
		if i, reads := h.place(slot.owner); reads && room[i] > 0 {
			slot.target = slot.owner
			room[i]--
		}
	}
	next := 0
	for p := range h.slots {
		if h.slots[p].target != nil {
			continue
		}
		for room[next] == 0 {
			next++
		}
		h.slots[p].target = h.readers[next]
		room[next]--
	}
}
