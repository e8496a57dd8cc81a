package group

import (
	"cmp"
	"math"
	"slices"
)

// What a topic's partitions come to is planned in three steps: share says how many of them each reader is to have,
// balance evens that out over the topics of a group, and setTargets says which. Each step looks at the topics alone for
// which something may have changed.

// reader is a member who asks for a topic.
type reader struct {
	*member

	want int // how many partitions it is to have: assignment.least, or one more
}

// scratch is what a Shard works in, so that a plan allocates nothing. Lists of numbers are by reader of the topic that
// is looked at.
type scratch struct {
	counts   []int
	holding  []int
	from, to []turn
	affected []*assignment
}

// zeros gives a list of n zeros, in the room of an earlier one.
func zeros(list *[]int, n int) []int {
	*list = slices.Grow((*list)[:0], n)[:n]
	clear(*list)
	return *list
}

// number notes each reader's place in the lists, until another topic's are noted.
func (h *assignment) number() {
	for i := range h.readers {
		h.readers[i].place = i
	}
}

// count gives how many partitions each reader has now.
func (h *assignment) count(w *scratch) (held []int) {
	held = zeros(&w.counts, len(h.readers))
	h.number()
	for p := range h.slots {
		if owner := h.slots[p].owner; owner != nil {
			held[owner.place]++
		}
	}
	return held
}

// more tells whether a reader is to have one more than others.
func (h *assignment) more(r *reader) bool { return r.want > h.least }

// setWant sets how many partitions of a topic a reader is to have.
func (g *state) setWant(r *reader, want int) {
	if r.want == want {
		return
	}
	r.load += want - r.want
	r.want = want
	if !r.moved {
		r.moved = true
		g.moved = append(g.moved, r.member)
	}
}

// share decides what moves the fewest partitions of this topic: whoever holds more keeps more. Where several hold as
// much, those who were to have one more are still, and then the first ones.
func (g *state) share(h *assignment, w *scratch) {
	n := len(h.readers)
	least, left := len(h.slots)/n, len(h.slots)%n
	held := h.count(w)
	lowest, left := lowestOfMore(held, left, zeros(&w.holding, len(h.slots)+1))
	were := 0
	for i := range h.readers {
		if held[i] == lowest && h.more(&h.readers[i]) {
			were++
		}
	}
	again := min(were, left)
	others := left - again
	before := h.least
	for i := range h.readers {
		r := &h.readers[i]
		want := least
		switch {
		case held[i] > lowest:
			want++
		case held[i] < lowest:
		case r.want > before && again > 0:
			again--
			want++
		case r.want <= before && others > 0:
			others--
			want++
		}
		g.setWant(r, want)
	}
	h.least = least
}

// lowestOfMore tells how many partitions one must hold to get one more, and how many of those who hold just so many do;
// left do in all. It counts how many hold how much instead of sorting them: most hold nothing where there are many.
func lowestOfMore(held []int, left int, holding []int) (lowest, rest int) {
	for _, n := range held {
		holding[n]++
	}
	for lowest = len(holding) - 1; lowest > 0 && holding[lowest] < left; lowest-- {
		left -= holding[lowest]
	}
	return lowest, left
}

// balance shares out over all topics who has one more, so that of many small topics not all go to the same member. Each
// step makes the differences smaller, so it ends; members who ask for the same topics end within one of each other.
// Where neither readers nor what they have of all topics has changed, no step helps that did not help before.
func (g *state) balance(w *scratch) {
	for again := true; again && g.uneven(); { // else no step helps
		again = false
		for _, h := range g.affected(w) {
			again = g.even(h, w) || again
		}
	}
	for _, m := range g.moved {
		m.moved = false
	}
	g.moved = emptied(g.moved)
}

// uneven tells whether any two members differ by more than one.
func (g *state) uneven() bool {
	least, most := math.MaxInt, 0
	for _, m := range g.members {
		least, most = min(least, m.load), max(most, m.load)
	}
	return most-2 >= least
}

// affected lists the topics that have changed, and all those of members whose load has, sorted.
func (g *state) affected(w *scratch) []*assignment {
	all := emptied(w.affected)
	add := func(some []*assignment) {
		for _, h := range some {
			if !h.listed && len(h.readers) > 0 {
				h.listed = true
				all = append(all, h)
			}
		}
	}
	add(g.changed)
	for _, m := range g.moved {
		m.moved = false
		add(m.reads)
	}
	g.moved = emptied(g.moved)
	slices.SortFunc(all, func(a, b *assignment) int { return cmp.Compare(a.topic, b.topic) })
	for _, h := range all {
		h.listed = false
	}
	w.affected = all
	return all
}

// emptied is a list's room for another one.
func emptied[T any](list []*T) []*T {
	clear(list)
	return list[:0]
}

// even moves one more from readers who have most of all topics to those who have least, for as long as that makes a
// difference smaller; false when it helps nobody. Where several have as much, it moves what has to move anyway.
func (g *state) even(h *assignment, w *scratch) bool {
	most, least := 0, math.MaxInt // of all topics, of those who have one more, and of those who don't
	for i := range h.readers {
		if r := &h.readers[i]; h.more(r) {
			most = max(most, r.load)
		} else {
			least = min(least, r.load)
		}
	}
	if most-2 < least {
		return false
	}
	w.list(h, least+2, most-2)
	steps := min(len(w.from), len(w.to))
	putFirst(w.from, steps)
	putFirst(w.to, steps)
	for i := range steps { // nobody comes up twice: one step leaves too small a difference
		from, to := &h.readers[w.from[i].reader()], &h.readers[w.to[i].reader()]
		if from.load < to.load+2 {
			break
		}
		g.setWant(from, h.least)
		g.setWant(to, h.least+1)
	}
	g.change(h)
	return true
}

// turn is when a reader gives or takes: in the order of these numbers, which are made of what comes first and second,
// and its place.
type turn int64

func turnOf(first, second, reader int) turn { return turn(first)<<40 + turn(second)<<20 + turn(reader) }

func (t turn) reader() int { return int(t & (1<<20 - 1)) }

// list lists who may give, with so high a load at least, and who may take, with so low a one at most.
func (w *scratch) list(h *assignment, high, low int) {
	held := h.count(w)
	w.from, w.to = w.from[:0], w.to[:0]
	for i := range h.readers {
		if r := &h.readers[i]; h.more(r) && r.load >= high {
			w.from = append(w.from, turnOf(-r.load, held[i], i))
		} else if !h.more(r) && r.load <= low {
			w.to = append(w.to, turnOf(r.load, len(h.slots)-held[i], i))
		}
	}
}

// putFirst puts the n first turns in their order at the beginning.
func putFirst(turns []turn, n int) {
	if n > 16 {
		slices.Sort(turns)
		return
	}
	for i := range n {
		first := i
		for j := i + 1; j < len(turns); j++ {
			if turns[j] < turns[first] {
				first = j
			}
		}
		turns[i], turns[first] = turns[first], turns[i]
	}
}

// setTargets sets the targets: who holds keeps, as far as it is to have so many, and the rest goes to those who have
// too few. What nobody holds goes to its new owner at once; what somebody holds stays until its owner's next call.
func (s *Shard) setTargets(g *state, h *assignment) {
	room := zeros(&s.scratch.counts, len(h.readers))
	h.number()
	for i := range h.readers {
		room[i] = h.readers[i].want
	}
	for p := range h.slots {
		slot := &h.slots[p]
		owner, moved := slot.owner, slot.moves()
		slot.target = nil
		if owner != nil && room[owner.place] > 0 {
			slot.target = owner
			room[owner.place]--
		}
		switch moves := slot.moves(); {
		case moved && !moves:
			owner.moving--
		case moves && !moved:
			owner.moving++
			s.touch(owner)
		}
	}
	next := 0
	for p := range h.slots {
		slot := &h.slots[p]
		if slot.target != nil {
			continue
		}
		for room[next] == 0 {
			next++
		}
		slot.target = h.readers[next].member
		room[next]--
		if slot.owner == nil {
			s.assign(g, slot)
		}
	}
}
