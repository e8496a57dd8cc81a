package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"flashq/segment/batch"
	"flashq/slab"
)

// errDamaged is what a cursor wraps when the bytes at pos are not the batch that should be there.
var errDamaged = errors.New("damaged bytes")

// maxBatch bounds what a length field is believed to say: the largest request with its overhead, with room to spare.
const maxBatch = 64 << 20

// cursor walks the batches of one log file and verifies each. It belongs to one goroutine; release gives its window
// back.
type cursor struct {
	f        io.ReaderAt
	pos, end int64 // of the next batch; of what may be read
	expected int64 // the offset that must come next

	window []byte // bytes from start on
	start  int64
	ahead  int // how much to read at once, more only where a batch is larger

	from place // where skip began
}

// place is a batch boundary, and the offset that must come next there.
type place struct{ pos, expected int64 }

// newCursor begins at a batch boundary. window is how many bytes to read at once.
func newCursor(f io.ReaderAt, pos, end, expected int64, window int) cursor {
	return cursor{f: f, pos: pos, end: end, expected: expected, window: slab.Get(window), start: pos, ahead: window}
}

func (c *cursor) release() {
	slab.Put(c.window)
	c.window = nil
}

// next gives the batch at pos and moves past it: io.EOF at the end; errDamaged, without moving, when CRC, magic,
// length or base offset are not as they should be. The batch is valid until the next call.
func (c *cursor) next() (batch.Batch, error) {
	b, err := c.peek()
	if err != nil {
		return nil, err
	}
	if err := b.Check(); err != nil {
		return nil, fmt.Errorf("%w at %d: %w", errDamaged, c.pos, err)
	}
	if b.BaseOffset() != c.expected {
		return nil, fmt.Errorf("%w at %d: base offset %d, not %d", errDamaged, c.pos, b.BaseOffset(), c.expected)
	}
	c.pos += int64(len(b))
	c.expected = b.LastOffset() + 1
	return b, nil
}

// skip moves past batches that end before offset, and tells whether there were any. Their heads alone are looked at:
// nobody asked for them, and a large one would cost as much as the one that is wanted. Where something is wrong after
// them, back takes that back: a head may have told a lie.
func (c *cursor) skip(offset int64) bool {
	c.from = place{c.pos, c.expected}
	for {
		h, size, err := c.head(stepAhead)
		if err != nil || h.Version() != batch.Magic || h.BaseOffset() != c.expected || h.LastOffset() >= offset {
			return c.pos > c.from.pos
		}
		c.pos += int64(size)
		c.expected = h.LastOffset() + 1
	}
}

// back moves to where skip began.
func (c *cursor) back() {
	c.pos, c.expected = c.from.pos, c.from.expected
	c.window, c.start = c.window[:0], c.pos
}

// stepAhead is how much is read to step over batches: an index entry is not further away.
const stepAhead = 2 * indexInterval

// lentAbove is from where on a batch is handed over with the window that it stands in, instead of copied.
const lentAbove = 32 << 10

// moveTo appends b, the batch that next just gave, to a slab that is the cursor's from now on, and gives the slab that
// holds both.
func (c *cursor) moveTo(dst []byte, b batch.Batch) []byte {
	if len(dst) > 0 || len(b) < lentAbove || &b[0] != &c.window[0] {
		return append(slab.Grow(dst, len(b)), b...)
	}
	lent := c.window
	c.window, c.start = slab.Grow(dst, len(lent)-len(b)), c.pos
	c.window = append(c.window, lent[len(b):]...)
	return lent[:len(b)]
}

// moveInto reads into what room dst has, up to so many bytes, and keeps the batches that are whole there and as they
// should be, up to an offset: with no copy between. What stands in the way is for next to tell.
func (c *cursor) moveInto(dst []byte, room int, limit int64) []byte {
	n := len(dst)
	text := dst[n : n+int(min(int64(room), int64(cap(dst)-n), c.end-c.pos))]
	if _, size, err := c.head(batch.HeaderSize); err != nil || size > len(text) || readFull(c.f, text, c.pos) != nil {
		return dst
	}
	for c.expected < limit {
		b, rest, err := batch.Next(text)
		if err != nil || b.Check() != nil || b.BaseOffset() != c.expected {
			break
		}
		c.pos += int64(len(b))
		c.expected = b.LastOffset() + 1
		dst, text = dst[:len(dst)+len(b)], rest
	}
	return dst
}

// head gives the header of the batch at pos, unchecked, and the size of the whole batch, which fits into what is left.
// ahead is how much is read at once where the window ends before it.
func (c *cursor) head(ahead int) (head batch.Batch, size int, err error) {
	if c.pos >= c.end {
		return nil, 0, io.EOF
	}
	if head, err = c.bytes(batch.HeaderSize, ahead); err != nil {
		return nil, 0, err
	}
	size, err = batch.Size(head)
	if err != nil || int64(size) > c.end-c.pos || size > maxBatch {
		return nil, 0, fmt.Errorf("%w at %d: length", errDamaged, c.pos)
	}
	return head, size, nil
}

// isFull tells that the batch at pos is larger than room, by its head alone: reading all of it would be in vain. What
// is wrong with a head is told by next. ahead is how much is read at once, as for head.
func (c *cursor) isFull(room, ahead int) bool {
	if room <= 0 {
		return true
	}
	_, size, err := c.head(min(ahead, room))
	return err == nil && size > room
}

// peek gives the batch that the length field at pos delimits, unchecked.
func (c *cursor) peek() (batch.Batch, error) {
	_, size, err := c.head(c.ahead)
	if err != nil {
		return nil, err
	}
	p, err := c.bytes(size, c.ahead)
	return batch.Batch(p), err
}

// bytes gives n bytes from pos; what the file no longer has is damage. Beyond the window, ahead bytes are read at once,
// or n.
func (c *cursor) bytes(n, ahead int) ([]byte, error) {
	if int64(n) > c.end-c.pos {
		return nil, fmt.Errorf("%w at %d: cut short", errDamaged, c.pos)
	}
	if have := c.start + int64(len(c.window)); c.pos+int64(n) > have {
		if err := c.fill(n, ahead); err != nil {
			return nil, err
		}
	}
	at := c.pos - c.start
	return c.window[at : at+int64(n) : at+int64(n)], nil
}

// fill moves what is left of the window to its front and reads on to ahead bytes, and at least to n.
func (c *cursor) fill(n, ahead int) error {
	keep := c.window[min(c.pos-c.start, int64(len(c.window))):]
	window := c.window
	if cap(window) < n {
		window = slab.Get(n)
		defer slab.Put(c.window)
	}
	kept := copy(window[:cap(window)], keep)
	want := min(int64(cap(window)), int64(max(n, ahead)), c.end-c.pos)
	window = window[:want]
	err := readFull(c.f, window[kept:], c.pos+int64(kept))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w at %d: the file is shorter than it was", errDamaged, c.pos)
	}
	if err != nil {
		window = window[:kept]
	}
	c.window, c.start = window, c.pos
	return err
}

// resync looks after damage for the next batch that can be trusted: its CRC holds, and its offset fits, since a record
// takes at least one byte or because the batch after it confirms it. The cursor moves there; false leaves it at end.
// An error is the file system's: nothing is known then.
func (c *cursor) resync() (bool, error) {
	damaged, expected := c.pos, c.expected
	const magicAt = 16
	for c.pos < c.end-batch.HeaderSize {
		p, err := c.bytes(int(min(c.end-c.pos, 64<<10)), c.ahead)
		if err != nil {
			return false, err
		}
		i := bytes.IndexByte(p[magicAt:], batch.Magic)
		if i < 0 {
			c.pos += int64(len(p) - magicAt)
			continue
		}
		c.pos += int64(i)
		if b, err := c.peek(); err == nil && b.Check() == nil && c.fits(b, damaged, expected) {
			c.expected = b.BaseOffset()
			return true, nil
		}
		c.pos++
	}
	c.pos = c.end
	return false, nil
}

// fits judges the base offset of a batch found after damage; the CRC does not cover it.
func (c *cursor) fits(b batch.Batch, damaged, expected int64) bool {
	base, last := b.BaseOffset(), b.LastOffset()
	if base < expected || base-expected > math.MaxInt32 { // no segment goes further
		return false
	}
	if base-expected <= c.pos-damaged {
		return true
	}
	follower := cursor{f: c.f, pos: c.pos + int64(len(b)), end: c.end, window: slab.Get(batch.HeaderSize)}
	follower.start = follower.pos
	defer follower.release()
	next, err := follower.peek()
	return err == nil && next.BaseOffset() == last+1
}
