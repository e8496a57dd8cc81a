package segment

import (
	"encoding/binary"
	"errors"
	"io"
	"sort"

	"flashq/segment/batch"
)

// indexInterval is Kafka's index.interval.bytes: one index entry for so many bytes of log.
const indexInterval = 4096

const (
	indexEntrySize = 8
	timeEntrySize  = 12
)

// indexEntry says that the batch whose last record has offset base+rel begins at pos.
type indexEntry struct{ rel, pos uint32 }

// timeEntry says that the largest timestamp up to and including the batch whose last record is base+rel is ts.
type timeEntry struct {
	ts  int64
	rel uint32
}

// indexes are a segment's sparse indexes in memory: appended to by the owner, read through copies of the slice headers.
type indexes struct {
	offsets []indexEntry
	times   []timeEntry

	sinceEntry int64 // bytes of log since the last entry
	maxTS      int64 // -1 while there is no record
	maxTSRel   uint32
	firstTS    int64 // -1 while there is no record
}

func newIndexes() indexes { return indexes{maxTS: -1, firstTS: -1} }

// add tells of a batch that begins at pos in the segment with this base offset, by Kafka's rule: an entry for the first
// batch that begins more than indexInterval bytes after the last one that got an entry.
func (x *indexes) add(base int64, b batch.Batch, pos int64) {
	rel := uint32(b.LastOffset() - base)
	ts := b.MaxTimestamp()
	if x.firstTS < 0 {
		x.firstTS = b.BaseTimestamp()
	}
	if ts > x.maxTS {
		x.maxTS, x.maxTSRel = ts, rel
	}
	if x.sinceEntry > indexInterval {
		x.offsets = append(x.offsets, indexEntry{rel: rel, pos: uint32(pos)})
		x.addTime()
		x.sinceEntry = 0
	}
	x.sinceEntry += int64(len(b))
}

// addTime notes the running maximum, only when it is strictly larger than the last one noted.
func (x *indexes) addTime() {
	if k := len(x.times) - 1; x.maxTS >= 0 && (k < 0 || x.times[k].ts < x.maxTS) {
		x.times = append(x.times, timeEntry{ts: x.maxTS, rel: x.maxTSRel})
	}
}

// encodeOffsets gives the bytes of the .index file.
func (x *indexes) encodeOffsets() []byte {
	out := make([]byte, 0, len(x.offsets)*indexEntrySize)
	for _, e := range x.offsets {
		out = binary.BigEndian.AppendUint32(out, e.rel)
		out = binary.BigEndian.AppendUint32(out, e.pos)
	}
	return out
}

// encodeTimes gives the bytes of the .timeindex file.
func (x *indexes) encodeTimes() []byte {
	out := make([]byte, 0, len(x.times)*timeEntrySize)
	for _, e := range x.times {
		out = binary.BigEndian.AppendUint64(out, uint64(e.ts))
		out = binary.BigEndian.AppendUint32(out, e.rel)
	}
	return out
}

// lookup abstracts over indexes in memory and in files: the i-th entry of n.
type lookup[E any] struct {
	n  int
	at func(i int) (E, error)
}

func inMemory[E any](entries []E) lookup[E] {
	return lookup[E]{n: len(entries), at: func(i int) (E, error) { return entries[i], nil }}
}

func offsetsInFile(f File) (lookup[indexEntry], error) {
	size, err := f.Size()
	return lookup[indexEntry]{n: int(size / indexEntrySize), at: func(i int) (e indexEntry, err error) {
		var p [indexEntrySize]byte
		if err := readFull(f, p[:], int64(i)*indexEntrySize); err != nil {
			return e, err
		}
		return decodeIndexEntry(p[:]), nil
	}}, err
}

func decodeIndexEntry(p []byte) indexEntry {
	return indexEntry{rel: binary.BigEndian.Uint32(p), pos: binary.BigEndian.Uint32(p[4:])}
}

func timesInFile(f File) (lookup[timeEntry], error) {
	size, err := f.Size()
	return lookup[timeEntry]{n: int(size / timeEntrySize), at: func(i int) (e timeEntry, err error) {
		var p [timeEntrySize]byte
		if err := readFull(f, p[:], int64(i)*timeEntrySize); err != nil {
			return e, err
		}
		return decodeTimeEntry(p[:]), nil
	}}, err
}

func decodeTimeEntry(p []byte) timeEntry {
	return timeEntry{ts: int64(binary.BigEndian.Uint64(p)), rel: binary.BigEndian.Uint32(p[8:])}
}

// firstAbove finds the first entry for which above is true, by binary search: entries are in order. It is l.n where
// there is none.
func firstAbove[E any](l lookup[E], above func(E) bool) (i int, err error) {
	i = sort.Search(l.n, func(i int) bool {
		entry, e := l.at(i)
		if e != nil {
			err = e
		}
		return above(entry)
	})
	return i, err
}

// lastBelow finds the last entry for which above is false.
func lastBelow[E any](l lookup[E], above func(E) bool) (e E, ok bool, err error) {
	i, err := firstAbove(l, above)
	if err != nil || i == 0 {
		return e, false, err
	}
	e, err = l.at(i - 1)
	return e, err == nil, err
}

// readFull reads exactly len(p) bytes; a file that ends before is io.ErrUnexpectedEOF.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
