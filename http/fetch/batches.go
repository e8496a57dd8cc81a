package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/segment/batch"
	"flashq/slab"
)

// batches is an answer of whole batches of one partition, as they are stored.
type batches struct {
	slab    []byte
	packed  bool // they are compressed already
	largest int  // of them, in bytes
}

func (*batches) expect(int)  {}
func (*batches) add(*found)  {} // records are not looked at: see takeBatches
func (b *batches) held() int { return cap(b.slab) }

func (b *batches) drop() {
	slab.Put(b.slab)
	b.slab = nil
}

func (b *batches) finish(h *fasthttp.ResponseHeader, r *result) []byte {
	r.tell(h)
	r.packed = b.packed
	body := b.slab
	b.slab = nil
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
	first := c.next
	for c.readable() && r.tally.left().Records > 0 {
		room := r.tally.left().Bytes
		if r.tally.taken.Records > 0 && room < batch.HeaderSize {
			c.full = true
			return nil
		}
		left := min(c.end-c.next, int64(r.tally.left().Records))
		b.grow(c.next-first, left, max(room, batch.HeaderSize))
		if more, err := r.takePiece(c, b, max(room, batch.HeaderSize)); err != nil || !more {
			return err
		}
		if err := r.buffers.afford(b.held()); err != nil {
			return err
		}
	}
	return nil
}

// takePiece reads on, and tells whether there was more. What may turn out to be too large for the room that is left is
// read apart: a read gives one batch at least, and the answer would move to make room for one that it can't take.
func (r *rounds) takePiece(c *cursor, b *batches, room int) (more bool, err error) {
	had := len(b.slab)
	if had == 0 || room >= b.largest {
		if b.slab, more, err = r.read(c, b.slab, min(room, wholeBytes)); err == nil && more {
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
		case !r.tally.admit(c, b):
			c.full = true
		default:
			into.packed, into.largest = into.packed || b.Codec() != 0, max(into.largest, len(b))
			kept += copy(raw[kept:], b)
			c.next = min(b.LastOffset()+1, c.end)
		}
	}
	return kept
}

// admit counts a batch, if it still goes into the answer as a whole; the first one always does.
func (t *tally) admit(c *cursor, b batch.Batch) bool {
	left := t.left()
	records := int(min(b.LastOffset()+1, c.end) - max(b.BaseOffset(), c.next))
	if t.taken.Records > 0 && (records > left.Records || len(b) > left.Bytes) {
		return false
	}
	t.taken.Records += min(records, left.Records)
	t.taken.Bytes += len(b)
	t.stored += len(b) - batch.HeaderSize
	return true
}
