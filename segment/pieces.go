package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"flashq/segment/batch"
)

// Piece is what stands in one place of a log file, for who wants to see all of it.
type Piece struct {
	Kind      PieceKind
	Pos, Size int64 // a gap has no size
	// Batch is valid until the next piece: of a good batch, and of a damaged one whose length can be believed. Otherwise
	// it is nil.
	Batch batch.Batch
	// Err is what is wrong with a piece that is damaged.
	Err error
	// First and Next bound the offsets that have no records by a gap or by damage.
	First, Next int64
	Magic       int8 // of an old message
}

// PieceKind says what a piece is.
type PieceKind int

// The kinds. Old messages are Kafka's from before record batches, whose checksum holds. Zeroes and Tail end the file:
// Zeroes are room that was reserved, or a write that a power cut took; a Tail is the front part of a batch, or garbage.
const (
	GoodBatch PieceKind = iota
	OldMessage
	Gap
	Damaged
	Zeroes
	Tail
)

// EachPiece walks a log file of so many bytes, whose first offset is base or a later one. Unlike a broker it takes
// offsets that are left out, as in a log that Kafka has compacted, for what they are. It ends with see's first error,
// or the file system's.
func EachPiece(f io.ReaderAt, base, size int64, see func(Piece) error) error {
	w := pieces{cursor: newCursor(f, 0, size, base, scanWindow), see: see}
	defer w.release()
	for w.pos < w.end {
		if err := w.step(); err != nil {
			return err
		}
	}
	return nil
}

// pieces is a walk that stops at nothing.
type pieces struct {
	cursor

	see func(Piece) error
}

// step sees what stands at pos, and moves past it.
func (w *pieces) step() error {
	b, err := w.peek()
	if err == nil {
		err = b.Check()
	}
	switch {
	case err == nil:
		return w.good(b)
	case !errors.Is(err, errDamaged) && !errors.Is(err, batch.ErrCorrupt):
		return err
	}
	if old, ok := w.oldMessage(); ok {
		w.pos += old.Size
		return w.see(old)
	}
	return w.damage(b, err)
}

// good sees a batch whose CRC holds. It does not cover the base offset, which may be one that was there before.
func (w *pieces) good(b batch.Batch) error {
	p := Piece{Kind: GoodBatch, Pos: w.pos, Size: int64(len(b)), Batch: b}
	base, next := b.BaseOffset(), w.expected
	if base > next {
		if err := w.see(Piece{Kind: Gap, Pos: w.pos, First: next, Next: base}); err != nil {
			return err
		}
	}
	if base < next {
		p.Kind, p.Err = Damaged, fmt.Errorf("its offsets begin at %d, and those before it end at %d", base, next-1)
	}
	w.pos, w.expected = w.pos+p.Size, b.LastOffset()+1
	return w.see(p)
}

// damage sees a batch that is whole but wrong, or bytes up to the next good batch, or to the end.
func (w *pieces) damage(b batch.Batch, why error) error {
	p := Piece{Kind: Damaged, Pos: w.pos, Err: why, First: w.expected, Next: w.expected}
	if next, ok := w.outlived(b); ok {
		p.Size, p.Batch, p.Next = int64(len(b)), b, max(next, p.First)
		w.pos, w.expected = w.pos+p.Size, p.Next
		return w.see(p)
	}
	found, err := w.resync()
	if err != nil {
		return err
	}
	p.Size, p.Next = w.pos-p.Pos, w.expected
	if found {
		return w.see(p)
	}
	p.Kind, p.Next = Tail, p.First
	if zero, err := isZero(w.f, p.Pos, w.end); err != nil {
		return err
	} else if zero {
		p.Kind, p.Err = Zeroes, nil
	}
	return w.see(p)
}

// outlived tells whether the length of a damaged batch can be believed, since the next one stands after it, or the end;
// and which offset comes after it then.
func (w *pieces) outlived(b batch.Batch) (next int64, ok bool) {
	if b == nil || b.Version() != batch.Magic || b.BaseOffset() < 0 || b.LastOffsetDelta() < 0 {
		return 0, false
	}
	at := w.pos + int64(len(b))
	if at == w.end {
		return w.expected + recordsIn(b), b.BaseOffset() == w.expected
	}
	after := cursor{f: w.f, pos: at, end: w.end, start: at}
	defer after.release()
	follower, err := after.peek()
	if err != nil || follower.Version() != batch.Magic {
		return 0, false
	}
	next = follower.BaseOffset()
	return next, next == b.LastOffset()+1 || follower.Check() == nil
}

// oldMessage is the message of an earlier format, magic 0 or 1, that stands at pos: offset, size, CRC-32 of what
// follows it, magic.
func (w *pieces) oldMessage() (Piece, bool) {
	const (
		head     = 12 // offset and size
		crcAt    = head
		magicAt  = 16
		smallest = 14
	)
	if w.end-w.pos < head+smallest {
		return Piece{}, false
	}
	p, err := w.bytes(head+smallest, w.ahead)
	if err != nil {
		return Piece{}, false
	}
	length := int64(int32(binary.BigEndian.Uint32(p[8:])))
	if p[magicAt] > 1 || length < smallest || length > min(maxBatch, w.end-w.pos-head) {
		return Piece{}, false
	}
	if p, err = w.bytes(int(head+length), w.ahead); err != nil {
		return Piece{}, false
	}
	if crc32.ChecksumIEEE(p[magicAt:]) != binary.BigEndian.Uint32(p[crcAt:]) {
		return Piece{}, false
	}
	offset := int64(binary.BigEndian.Uint64(p))
	w.expected = max(w.expected, offset+1)
	return Piece{
		Kind: OldMessage, Pos: w.pos, Size: head + length, Magic: int8(p[magicAt]), First: offset, Next: offset + 1,
	}, true
}

// isZero tells whether there is nothing but zeroes from pos to end.
func isZero(f io.ReaderAt, pos, end int64) (bool, error) {
	p := make([]byte, min(end-pos, 64<<10))
	for pos < end {
		p = p[:min(int64(len(p)), end-pos)]
		if err := readFull(f, p, pos); err != nil {
			return false, err
		}
		for _, c := range p {
			if c != 0 {
				return false, nil
			}
		}
		pos += int64(len(p))
	}
	return true, nil
}
