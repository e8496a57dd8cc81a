package fetch

import (
	"flashq/budget"
	"flashq/codec"
	"flashq/segment/batch"
	"flashq/slab"
)

// readBytes is how much one read of storage asks for: so little that it stays in the processor's cache from the copy to
// the answer, since more of it is faster read in pieces.
const readBytes = 64 << 10

// buffers are what reading needs for a while, and the account of all slabs that a fetch holds.
type buffers struct {
	codecs *codec.Set
	raw    []byte // a slab: batches as read
	plain  []byte // a slab: a batch decompressed
	hold   budget.Lease
}

// room gives the slab for batches as they are read, empty, with room for so many bytes at least.
func (b *buffers) room(want int) []byte {
	if cap(b.raw) < want {
		slab.Put(b.raw)
		b.raw = slab.Get(want)
	}
	return b.raw[:0]
}

// unpack gives a batch whose records can be walked, good until the next one.
func (b *buffers) unpack(packed batch.Batch) (plain batch.Batch, err error) {
	plain, b.plain, err = b.codecs.Unpack(b.plain, packed)
	return plain, err
}

// afford accounts for the slabs as they are now, beside those of the answer.
func (b *buffers) afford(answer int) error {
	if b.hold.Raise(answer + cap(b.raw) + cap(b.plain)) {
		return nil
	}
	return overloaded("Too many bytes of answers are being sent")
}

// settle keeps nothing but the answer: a fetch that waits must cost little.
func (b *buffers) settle(answer int) {
	slab.Put(b.raw)
	slab.Put(b.plain)
	b.raw, b.plain = nil, nil
	b.hold.Lower(answer)
}
