package fetch

import (
	"cmp"
	"errors"
	"net"
	"slices"

	"flashq/broker"
	"flashq/http/request"
	"flashq/segment/batch"
)

// rounds reads the partitions of a fetch in turn, so that they share its limits fairly.
type rounds struct {
	ask     *ask
	plan    *plan
	cursors []cursor // one for each partition that is read, in the order asked
	tally   tally
	sink    taker
	goesOn  bool // this is not the first that is read from the plan's start
	buffers buffers
	search  search
	walk    walk
}

// tally is how much an answer may hold, and how much it does.
type tally struct {
	most, taken Amount
	stored      int // bytes of what is taken, as it is stored, without the heads of batches
}

// left is what the answer may still take; its bytes are below 0 after a first record that is larger than all of it.
func (t *tally) left() Amount {
	return Amount{t.most.Records - t.taken.Records, t.most.Bytes - t.taken.Bytes}
}

// share is what one partition may still take in one round; its first record may be larger.
type share struct {
	Amount

	begun bool
}

func (r *rounds) prepare(a *ask, c net.Conn, p *plan, s taker) {
	r.ask, r.plan, r.sink = a, p, s
	r.search.env, r.search.conn = a.env, c
	r.tally.most = a.query.Most
	r.buffers.codecs, r.buffers.hold = a.env.Codecs, a.env.Answers.Lease(a.share)
	r.walk.tally, r.walk.buffers, r.walk.sink = &r.tally, &r.buffers, s
}

// end gives back what is held, and the cursors' memory for others.
func (r *rounds) end() []cursor {
	r.buffers.settle(0)
	r.buffers.hold.End()
	clear(r.cursors)
	return r.cursors[:0]
}

// open makes a cursor for each partition that the plan reads.
func (r *rounds) open() {
	if r.plan.partitions == nil {
		for p := range r.plan.topic.Config().Partitions {
			r.add(p)
		}
	}
	for _, p := range r.plan.partitions {
		r.add(p)
	}
}

func (r *rounds) add(partition int) {
	truncated, _ := request.FindMark(r.plan.truncated, partition)
	r.cursors = append(r.cursors, cursor{partition: partition, truncated: truncated})
}

// sort puts the cursors into the order of their partitions.
func (r *rounds) sort() {
	inOrder := func(a, b cursor) int { return cmp.Compare(a.partition, b.partition) }
	if !slices.IsSortedFunc(r.cursors, inOrder) {
		slices.SortFunc(r.cursors, inOrder)
	}
}

// find looks at those partitions for which which says so, and reads nothing.
func (r *rounds) find(which func(c *cursor) bool) error {
	defer r.settle()
	return r.lookAt(which)
}

func (r *rounds) lookAt(which func(c *cursor) bool) error {
	for i := range r.cursors {
		if c := &r.cursors[i]; which(c) {
			if err := r.look(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect looks at those partitions again for which again says so, takes what is readable of them, and lets go of what
// only reading needs.
func (r *rounds) collect(again func(c *cursor) bool) error {
	defer r.settle()
	if err := r.lookAt(again); err != nil {
		return err
	}
	if err := r.run(); err != nil {
		return err
	}
	for i := range r.cursors {
		r.cursors[i].tellHidden()
	}
	return r.buffers.afford(r.sink.held())
}

func everyCursor(*cursor) bool { return true }

func (r *rounds) settle() {
	for i := range r.cursors {
		r.cursors[i].close()
	}
	r.buffers.settle(r.sink.held())
}

// run goes round: each time every readable partition gets an equal share of what is left, at least one record, and what
// some leave over goes round again.
func (r *rounds) run() error {
	first := r.turn()
	for {
		readers, left := r.readers(), r.tally.left()
		if readers == 0 || left.Records == 0 {
			return nil
		}
		each := Amount{max(left.Records/readers, 1), left.Bytes / readers}
		for i := range r.cursors {
			c := &r.cursors[(first+i)%len(r.cursors)]
			left := r.tally.left().Records
			if left == 0 {
				break
			}
			if !c.hasMore() {
				continue
			}
			if err := r.take(c, share{Amount: Amount{min(each.Records, left), each.Bytes}}); err != nil {
				return err
			}
		}
	}
}

// readers is how many partitions have more.
func (r *rounds) readers() (n int) {
	for i := range r.cursors {
		if r.cursors[i].hasMore() {
			n++
		}
	}
	return n
}

// hasMore tells whether there is something to read now.
func (c *cursor) hasMore() bool { return c.view != nil && c.readable() }

// turn is the index of the cursor that is read first, since a budget may end before all had a share. Who continues a
// position reads the others first in time: it moves on with what was read, so that nobody has to remember whose turn it
// is.
func (r *rounds) turn() int {
	if r.plan.start.Kind != FromPosition && !r.goesOn || len(r.cursors) == 0 {
		return 0
	}
	sum := uint64(0)
	for i := range r.cursors {
		sum += uint64(r.cursors[i].next)
	}
	return int(sum % uint64(len(r.cursors)))
}

// take reads a partition until its share is used up, its end, a limit or damage. It always gets on: by a record at
// least, or to one of those.
func (r *rounds) take(c *cursor, left share) error {
	if b, ok := r.sink.(*batches); ok {
		return r.takeBatches(c, b)
	}
	defer c.rest()
	want := min(max(left.Bytes, batch.HeaderSize), readBytes)
	for c.readable() {
		raw, more, err := r.read(c, r.buffers.room(want), want)
		r.buffers.raw = raw
		if err != nil || !more {
			return err
		}
		if err := r.buffers.afford(r.sink.held()); err != nil {
			return err
		}
		if r.walk.batches(c, raw, &left) {
			return nil
		}
	}
	return nil
}

// read appends batches from the cursor on to dst, a slab, and gives the slab that holds them; more is false where there
// are none: at an end, or where something stands in the way.
func (r *rounds) read(c *cursor, dst []byte, want int) (_ []byte, more bool, err error) {
	had := len(dst)
	for gone := 0; c.readable(); gone++ {
		dst, err = c.view.Read(dst, c.next, want)
		switch {
		case errors.Is(err, broker.ErrGone) && gone < mostGone:
			if err := r.look(c); err != nil {
				return dst, false, err
			}
			continue
		case err != nil && c.meet(err):
			return dst, false, nil
		case err != nil:
			return dst, false, r.about(c, err)
		case len(dst) == had:
			c.high, c.end = c.next, c.next // the engine has nothing there, whatever it said
			return dst, false, nil
		}
		return dst, true, nil
	}
	return dst, false, nil
}
