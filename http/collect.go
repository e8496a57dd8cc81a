package http

import (
	"errors"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/slab"
)

// readBytes is how much one read of storage asks for: so little that it stays in the processor's cache from the copy to
// the answer, since more of it is faster read in pieces.
const readBytes = 64 << 10

// collect looks at those partitions again for which again says so, takes what is readable of them, and lets go of what
// only reading needs.
func (f *fetching) collect(again func(c *cursor) bool) error {
	defer f.settle()
	for i := range f.cursors {
		if c := &f.cursors[i]; again(c) {
			if err := f.look(c); err != nil {
				return err
			}
		}
	}
	if err := f.rounds(); err != nil {
		return err
	}
	return f.afford()
}

func everyCursor(*cursor) bool { return true }

// settle closes the views and keeps no slab but the answer: a fetch that waits must cost little.
func (f *fetching) settle() {
	for i := range f.cursors {
		f.cursors[i].close()
	}
	slab.Put(f.raw)
	slab.Put(f.plain)
	f.raw, f.plain = nil, nil
	f.hold.lower(cap(f.text))
}

// afford accounts for the slabs as they are now.
func (f *fetching) afford() error {
	if f.hold.raise(cap(f.text) + cap(f.raw) + cap(f.plain)) {
		return nil
	}
	return f.s.overloaded("Too many bytes of answers are being sent")
}

// look opens a cursor's view, again if retention was faster than the search for its start.
func (f *fetching) look(c *cursor) (err error) {
	for range maxGone {
		if err = c.look(f); !errors.Is(err, broker.ErrGone) {
			return err
		}
	}
	return err
}

// rounds shares the budgets fairly: in each round every readable partition gets an equal share of what is left, at
// least one record, and what some leave over goes round again.
func (f *fetching) rounds() error {
	first := f.turn()
	for {
		readers := 0
		for i := range f.cursors {
			if f.cursors[i].view != nil && f.cursors[i].readable() {
				readers++
			}
		}
		if readers == 0 || f.recordsLeft == 0 || f.cutShort() {
			return nil
		}
		records, size := max(f.recordsLeft/readers, 1), f.bytesLeft/readers
		for i := range f.cursors {
			c := &f.cursors[(first+i)%len(f.cursors)]
			if c.view == nil || !c.readable() || f.recordsLeft == 0 {
				continue
			}
			before := c.next
			if err := f.take(c, share{records: min(records, f.recordsLeft), size: size}); err != nil {
				return err
			}
			if c.next != before {
				c.idle = 0
			}
		}
	}
}

// turn is the index of the cursor that is read first, since a budget may end before all had a share. Who continues a
// position reads the others first in time: it moves on with what was read, so that nobody has to remember whose turn it
// is.
func (f *fetching) turn() int {
	if f.query.start != startPosition || len(f.cursors) == 0 {
		return 0
	}
	sum := uint64(0)
	for i := range f.cursors {
		sum += uint64(f.cursors[i].next)
	}
	return int(sum % uint64(len(f.cursors)))
}

// cutShort tells that a scan which may find nothing for long has to end: to_time leaves records out, and since their
// timestamps need not be in order, it looks at all of them up to the end.
func (f *fetching) cutShort() bool { return f.query.hasUntil && f.s.draining() }

// share is what one partition may still take in one round; its first record may be larger.
type share struct {
	records, size int
	taken         bool
}

// take reads a partition until its share is used up, its end, a limit or damage. It always gets on: by a record at
// least, or to one of those.
func (f *fetching) take(c *cursor, left share) error {
	gone := 0
	defer c.rest()
	want := min(max(left.size, batch.HeaderSize), readBytes)
	for c.readable() && !f.cutShort() {
		if cap(f.raw) < want {
			slab.Put(f.raw)
			f.raw = slab.Get(want)
		}
		raw, err := c.view.Read(f.raw[:0], c.next, want)
		f.raw = raw
		switch {
		case errors.Is(err, broker.ErrGone) && gone < maxGone:
			gone++
			if err := f.look(c); err != nil {
				return err
			}
			continue
		case err != nil:
			return c.readFault(err)
		case len(raw) == 0:
			c.high = c.next // the engine has nothing there, whatever it said
			return nil
		}
		if err := f.afford(); err != nil {
			return err
		}
		if f.walk(c, raw, &left) {
			return nil
		}
	}
	return nil
}
