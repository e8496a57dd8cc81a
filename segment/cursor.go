package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"flashq/segment/batch"
	"flashq/segment/slab"
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
}

// newCursor begins at a batch boundary. window is how many bytes to read at once.
func newCursor(f io.ReaderAt, pos, end, expected int64, window int) cursor {
	return cursor{f: f, pos: pos, end: end, expected: expected, window: slab.Get(window), start: pos}
}

func (c *cursor) release() {
	slab.Put(c.window)
	c.window = nil
}

// next gives the batch at pos and moves behind it: io.EOF at the end; errDamaged, without moving, when CRC, magic,
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

// peek gives the batch that the length field at pos delimits, unchecked.
func (c *cursor) peek() (batch.Batch, error) {
	if c.pos >= c.end {
		return nil, io.EOF
	}
	head, err := c.bytes(batch.HeaderSize)
	if err != nil {
		return nil, err
	}
	size, err := batch.Size(head)
	if err != nil || int64(size) > c.end-c.pos || size > maxBatch {
		return nil, fmt.Errorf("%w at %d: length", errDamaged, c.pos)
	}
	p, err := c.bytes(size)
	return batch.Batch(p), err
}

// bytes gives n bytes from pos; what the file no longer has is damage.
func (c *cursor) bytes(n int) ([]byte, error) {
	if int64(n) > c.end-c.pos {
		return nil, fmt.Errorf("%w at %d: cut short", errDamaged, c.pos)
	}
	if have := c.start + int64(len(c.window)); c.pos+int64(n) > have {
		if err := c.fill(n); err != nil {
			return nil, err
		}
	}
	at := c.pos - c.start
	return c.window[at : at+int64(n) : at+int64(n)], nil
}

// fill moves what is left of the window to its front and reads on, at least to n bytes.
func (c *cursor) fill(n int) error {
	keep := c.window[min(c.pos-c.start, int64(len(c.window))):]
	window := c.window
	if cap(window) < n {
		window = slab.Get(n)
		defer slab.Put(c.window)
	}
	kept := copy(window[:cap(window)], keep)
	want := min(int64(cap(window)), c.end-c.pos)
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

// resync looks behind damage for the next batch that can be trusted: its CRC holds, and its offset fits, since a record
// takes at least one byte or because the batch behind it confirms it. The cursor moves there; false leaves it at end.
// An error is the file system's: nothing is known then.
func (c *cursor) resync() (bool, error) {
	damaged, expected := c.pos, c.expected
	const magicAt = 16
	for c.pos < c.end-batch.HeaderSize {
		p, err := c.bytes(int(min(c.end-c.pos, 64<<10)))
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

// fits judges the base offset of a batch found behind damage; the CRC does not cover it.
func (c *cursor) fits(b batch.Batch, damaged, expected int64) bool {
	base, last := b.BaseOffset(), b.LastOffset()
	if base < expected {
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
