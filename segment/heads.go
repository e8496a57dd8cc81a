package segment

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"flashq/segment/batch"
)

// EachOffsetEntry walks the whole entries of an .index file: the last offset of a batch, and where that begins. It ends
// with see's first error.
func EachOffsetEntry(r io.Reader, base int64, see func(offset, pos int64) error) error {
	return eachEntry(r, indexEntrySize, func(p []byte) error {
		e := decodeIndexEntry(p)
		return see(base+int64(e.rel), int64(e.pos))
	})
}

// EachTimeEntry walks the whole entries of a .timeindex file: the largest timestamp so far, and the offset of it.
func EachTimeEntry(r io.Reader, base int64, see func(timestamp, offset int64) error) error {
	return eachEntry(r, timeEntrySize, func(p []byte) error {
		e := decodeTimeEntry(p)
		return see(e.ts, base+int64(e.rel))
	})
}

func eachEntry(r io.Reader, size int, see func(p []byte) error) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	p := make([]byte, size)
	for {
		if _, err := io.ReadFull(buffered, p); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := see(p); err != nil {
			return err
		}
	}
}

// Heads looks at the heads of a log's batches alone, to hold index files against them. Close gives its memory back.
type Heads struct{ at, walk cursor }

// NewHeads looks at a log file of so many bytes.
func NewHeads(f io.ReaderAt, size int64) *Heads {
	return &Heads{at: newCursor(f, 0, size, 0, batch.HeaderSize), walk: newCursor(f, 0, size, 0, stepAhead)}
}

// Close gives the memory back, not the file.
func (h *Heads) Close() {
	h.at.release()
	h.walk.release()
}

// CheckOffset tells what is wrong with an entry of an .index file.
func (h *Heads) CheckOffset(offset, pos int64) error {
	if pos >= h.at.end {
		return fmt.Errorf("position %d is beyond the end of the log, %d", pos, h.at.end)
	}
	h.at.pos, h.at.window, h.at.start = pos, h.at.window[:0], pos
	b, _, err := h.at.head(batch.HeaderSize)
	switch {
	case err != nil && !errors.Is(err, errDamaged):
		return err
	case err != nil || b.Version() != batch.Magic:
		return fmt.Errorf("no batch begins at position %d", pos)
	case b.LastOffset() != offset:
		return fmt.Errorf("the batch at position %d ends with offset %d", pos, b.LastOffset())
	}
	return nil
}

// CheckTime tells what is wrong with an entry of a .timeindex file. Offsets come in order.
func (h *Heads) CheckTime(timestamp, offset int64) error {
	for {
		b, size, err := h.walk.head(stepAhead)
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the log ends before offset %d", offset)
		case err != nil && !errors.Is(err, errDamaged):
			return err
		case err != nil || b.Version() != batch.Magic:
			return fmt.Errorf("no batch is at position %d, before offset %d", h.walk.pos, offset)
		case b.LastOffset() < offset:
			h.walk.pos += int64(size)
			continue
		case b.BaseOffset() > offset:
			return fmt.Errorf("no batch has offset %d", offset)
		case b.MaxTimestamp() != timestamp:
			return fmt.Errorf("the largest timestamp of the batch with offset %d is %d", offset, b.MaxTimestamp())
		}
		return nil
	}
}
