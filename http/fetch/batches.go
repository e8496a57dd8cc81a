package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/conn"
	"flashq/segment/batch"
	"flashq/slab"
)

// batches is an answer of whole batches of one partition, as they are stored.
type batches struct {
	slab    []byte
	packed  bool          // they are compressed already
	largest int           // of them, in bytes
	lends   bool          // they may be sent from where they stand
	lent    []broker.Lent // what comes before slab
}

func (*batches) expect(int) {}
func (*batches) add(*found) {} // records are not looked at: see takeBatches

func (b *batches) held() int {
	held := cap(b.slab)
	for i := range b.lent {
		held += b.lent[i].Held
	}
	return held
}

func (b *batches) drop() {
	slab.Put(b.slab)
	b.slab = nil
	b.giveBack()
}

func (b *batches) giveBack() {
	for i := range b.lent {
		b.lent[i].Release()
	}
	b.lent = nil
}

func (b *batches) finish(h *fasthttp.ResponseHeader, r *result) []byte {
	r.tell(h)
	r.packed, r.held = b.packed, b.held()
	for _, l := range b.lent {
		r.before = append(r.before, conn.Borrowed{Bytes: l.Bytes, Release: l.Release})
	}
	body := b.slab
	b.slab, b.lent = nil, nil
	return body
}

// wholeBytes is how much one read of storage asks for that goes right into the answer: what is cut off at its end is
// read again.
const wholeBytes = 256 << 10

// grow makes room for what is expected of a partition of which so many offsets are here already: enough at once, since
// each step copies what is there.
func (b *batches) grow(offsets, left int64, room int) {
	expected := readBytes
	if offsets > 0 {
		each := len(b.slab)/int(offsets) + 1
		expected = int(min(int64(room), left*int64(each)))
	}
	b.slab = slab.Grow(b.slab, min(expected, room))
}

// takeBatches reads a partition until a limit, its end or damage, straight into the answer.
func (r *rounds) takeBatches(c *cursor, b *batches) error {
	defer c.rest()
	copied := c.next // from here on
	for c.readable() && r.tally.left().Records > 0 {
		room := max(r.tally.left().Bytes, 0)
		if r.tally.taken.Records > 0 && room < batch.HeaderSize {
			c.full = true
			return nil
		}
		room = max(room, batch.HeaderSize)
		if b.lends && len(b.slab) == 0 && (r.lendBatches(c, b) || c.full) {
			if err := r.buffers.afford(b.held()); err != nil {
				return err
			}
			copied = c.next
			continue
		}
		left := min(c.end-c.next, int64(r.tally.left().Records))
		b.grow(c.next-copied, left, room)
		if more, err := r.takePiece(c, b, room); err != nil || !more {
			return err
		}
		if err := r.buffers.afford(b.held()); err != nil {
			return err
		}
	}
	return nil
}

// mostKept is how many times the memory that lent batches keep may be larger than they are: what is sent slowly holds
// it for long.
const mostKept = 4

// lendBatches takes batches from where they stand, or tells that there are none to be had so.
func (r *rounds) lendBatches(c *cursor, b *batches) bool {
	from, ok := c.view.(broker.Lender)
	if !ok {
		return false
	}
	lent, _ := from.Lend(c.next, func(head batch.Batch, size int) bool {
		switch {
		case head.IsControl() || head.BaseOffset() >= c.end || r.tally.left().Records <= 0:
			return false
		case !r.tally.admit(c, head, size):
			c.full = true
			return false
		}
		b.packed = b.packed || head.Codec() != 0
		c.next = min(head.LastOffset()+1, c.end)
		return true
	})
	b.lent = append(b.lent, lent...)
	if size := b.lentBytes(); b.held() > mostKept*size {
		b.copyLent(size)
	}
	return len(lent) > 0
}

func (b *batches) lentBytes() (size int) {
	for i := range b.lent {
		size += len(b.lent[i].Bytes)
	}
	return size
}

// copyLent puts what is lent into the slab instead, which is empty.
func (b *batches) copyLent(size int) {
	b.slab = slab.Grow(b.slab, size)
	for i := range b.lent {
		b.slab = append(b.slab, b.lent[i].Bytes...)
	}
	b.giveBack()
}

// takePiece reads on, and tells whether there was more. What may turn out to be too large for the room that is left is
// read apart: a read gives one batch at least, and the answer would move to make room for one that it can't take.
func (r *rounds) takePiece(c *cursor, b *batches, room int) (more bool, err error) {
	had := len(b.slab)
	if had == 0 || room >= b.largest {
		if b.slab, more, err = r.read(c, b.slab, min(room, wholeBytes, cap(b.slab)-had)); err == nil && more {
			b.slab = b.slab[:had+r.admitBatches(c, b, b.slab[had:])]
		}
		return more, err
	}
	if r.buffers.raw, more, err = r.read(c, r.buffers.room(room), room); err == nil && more {
		kept := r.admitBatches(c, b, r.buffers.raw)
		b.slab = append(slab.Grow(b.slab, kept), r.buffers.raw[:kept]...)
	}
	return more, err
}

// admitBatches counts what of raw goes into the answer, moves the cursor past it, and closes the gaps of what does not.
func (r *rounds) admitBatches(c *cursor, into *batches, raw []byte) (kept int) {
	for rest := raw; len(rest) > 0 && c.readable() && r.tally.left().Records > 0; {
		b, after, err := batch.Next(rest)
		rest = after
		switch {
		case err != nil:
			c.spoil(c.next + 1)
		case b.BaseOffset() >= c.end:
			c.next = c.end
		case b.IsControl():
			c.next = min(b.LastOffset()+1, c.end)
		case !r.tally.admit(c, b, len(b)):
			c.full = true
		default:
			into.packed, into.largest = into.packed || b.Codec() != 0, max(into.largest, len(b))
			kept += copy(raw[kept:], b)
			c.next = min(b.LastOffset()+1, c.end)
		}
	}
	return kept
}

// admit counts a batch of a size, of which the head is enough, if it still goes into the answer as a whole; the first
// one always does.
func (t *tally) admit(c *cursor, b batch.Batch, size int) bool {
	left := t.left()
	records := int(min(b.LastOffset()+1, c.end) - max(b.BaseOffset(), c.next))
	if t.taken.Records > 0 && (records > left.Records || size > left.Bytes) {
		return false
	}
	t.taken.Records += min(records, left.Records)
	t.taken.Bytes += size
	t.stored += size - batch.HeaderSize
	return true
}
