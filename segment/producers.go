package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"slices"
	"strings"
)

// What is known of producers is saved as Kafka does, in a file named after the offset up to which it holds; what Kafka
// has no field for stands in a file of the same name beside it. Both are caches of what the log says.
const (
	snapshotSuffix = ".snapshot"
	keysSuffix     = ".keys"

	producersVersion = 1
	producersHeader  = 2 + 4 + 4 // version, CRC-32C of what follows it, number of entries
	producerSize     = 46
	keyNoteSize      = 8 + 16 + 2
	keyRunSize       = 8 + 4
)

// Producer is an entry of a snapshot: a producer with its last batch. LastSequence and LastOffset are -1 without one.
type Producer struct {
	ID           int64
	Epoch        int16
	LastSequence int32
	LastOffset   int64
	OffsetDelta  int32 // of the last batch: its last offset minus its first one
	Timestamp    int64 // the last batch's largest
}

// KeyNote is what a snapshot has no field for: what was asked for with a key, where that is known, and the ranges of
// its records that stand before the last one, if they do not all follow one another.
type KeyNote struct {
	ID     int64
	Digest [16]byte // all zero: not known
	Runs   []KeyRun
}

// KeyRun is a range of records.
type KeyRun struct {
	Base  int64
	Count int32
}

// errProducers is what a damaged file of producers is.
var errProducers = errors.New("is no whole list of producers")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SnapshotsIn lists the offsets of the snapshots in a folder, in order.
func SnapshotsIn(names []string) (offsets []int64) {
	for _, name := range names {
		if offset, ok := snapshotOffset(name, snapshotSuffix); ok {
			offsets = append(offsets, offset)
		}
	}
	slices.Sort(offsets)
	return offsets
}

func snapshotOffset(name, suffix string) (int64, bool) {
	if !strings.HasSuffix(name, suffix) {
		return 0, false
	}
	offset, _, err := baseOf(strings.TrimSuffix(name, suffix) + logSuffix)
	return offset, err == nil && name == fileName(offset, suffix)
}

// StoreProducers writes a snapshot, as EncodeProducers made it, and the notes first. Without sync it makes nothing
// durable: torn files are found out.
func StoreProducers(fs FS, dir string, offset int64, encoded []byte, notes iter.Seq[KeyNote], sync bool) error {
	if p, some := encodeKeyNotes(notes); some > 0 {
		if err := overwrite(fs, dir+"/"+fileName(offset, keysSuffix), p, sync); err != nil {
			return err
		}
	}
	err := overwrite(fs, dir+"/"+fileName(offset, snapshotSuffix), encoded, sync)
	if err != nil || !sync {
		return err
	}
	return fs.SyncDir(dir)
}

// RemoveProducers removes a snapshot and its notes.
func RemoveProducers(fs FS, dir string, offset int64) error {
	for _, suffix := range []string{snapshotSuffix, keysSuffix} {
		if err := fs.Remove(dir + "/" + fileName(offset, suffix)); err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	return nil
}

// LoadProducers reads a snapshot.
func LoadProducers(fs FS, dir string, offset int64) (all []Producer, err error) {
	p, err := ReadFile(fs, dir+"/"+fileName(offset, snapshotSuffix))
	if err == nil {
		err = DecodeProducers(p, func(e Producer, _ int32, _ int64) { all = append(all, e) })
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileName(offset, snapshotSuffix), err)
	}
	return all, nil
}

// DecodeProducers takes a snapshot apart. see is given each entry with what only Kafka's transactions have: the epoch
// of the coordinator that ended the last one, and where the open one begins; -1 without.
func DecodeProducers(p []byte, see func(e Producer, coordinatorEpoch int32, openFrom int64)) error {
	p, n, err := producersOf(p, producerSize)
	if err != nil {
		return err
	}
	if len(p) != n*producerSize {
		return fmt.Errorf("%w: %d bytes for %d entries", errProducers, len(p), n)
	}
	for i := range n {
		e := p[i*producerSize:]
		one := Producer{
			ID: int64(binary.BigEndian.Uint64(e)), Epoch: int16(binary.BigEndian.Uint16(e[8:])),
			LastSequence: int32(binary.BigEndian.Uint32(e[10:])), LastOffset: int64(binary.BigEndian.Uint64(e[14:])),
			OffsetDelta: int32(binary.BigEndian.Uint32(e[22:])), Timestamp: int64(binary.BigEndian.Uint64(e[26:])),
		}
		if !one.isSound() {
			return fmt.Errorf("%w: entry %d makes no sense", errProducers, i)
		}
		see(one, int32(binary.BigEndian.Uint32(e[34:])), int64(binary.BigEndian.Uint64(e[38:])))
	}
	return nil
}

// isSound tells whether an entry can be true, so that nothing that is counted from it goes below 0.
func (p Producer) isSound() bool {
	if p.LastOffset < 0 || p.LastSequence < 0 {
		return p.ID >= 0 && p.Epoch >= 0
	}
	return p.ID >= 0 && p.Epoch >= 0 && p.OffsetDelta >= 0 && int64(p.OffsetDelta) <= p.LastOffset
}

// LoadKeyNotes reads what stands beside a snapshot; nothing where there is no such file.
func LoadKeyNotes(fs FS, dir string, offset int64) (notes []KeyNote, err error) {
	p, err := ReadFile(fs, dir+"/"+fileName(offset, keysSuffix))
	if errors.Is(err, ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		notes, err = DecodeKeyNotes(p)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileName(offset, keysSuffix), err)
	}
	return notes, nil
}

// DecodeKeyNotes takes apart what stands beside a snapshot.
func DecodeKeyNotes(p []byte) (notes []KeyNote, err error) {
	p, n, err := producersOf(p, keyNoteSize)
	for range n {
		var note KeyNote
		if note, p, err = decodeKeyNote(p); err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	return notes, err
}

func decodeKeyNote(p []byte) (note KeyNote, rest []byte, err error) {
	if len(p) < keyNoteSize {
		return note, nil, errProducers
	}
	note.ID = int64(binary.BigEndian.Uint64(p))
	copy(note.Digest[:], p[8:])
	runs := int(binary.BigEndian.Uint16(p[24:]))
	if p = p[keyNoteSize:]; len(p) < runs*keyRunSize {
		return note, nil, errProducers
	}
	for range runs {
		r := KeyRun{Base: int64(binary.BigEndian.Uint64(p)), Count: int32(binary.BigEndian.Uint32(p[8:]))}
		note.Runs = append(note.Runs, r)
		p = p[keyRunSize:]
	}
	return note, p, nil
}

// producersOf takes the head off one of the files, and gives what its entries have and how many there are: never more
// than fit.
func producersOf(p []byte, entrySize int) (entries []byte, n int, err error) {
	switch {
	case len(p) < producersHeader:
		err = errProducers
	case binary.BigEndian.Uint16(p) != producersVersion:
		err = fmt.Errorf("%w: version %d", errProducers, binary.BigEndian.Uint16(p))
	case binary.BigEndian.Uint32(p[2:]) != crc32.Checksum(p[6:], castagnoli):
		err = fmt.Errorf("%w: wrong checksum", errProducers)
	case int64(binary.BigEndian.Uint32(p[6:]))*int64(entrySize) > int64(len(p)-producersHeader):
		err = fmt.Errorf("%w: %d entries", errProducers, binary.BigEndian.Uint32(p[6:]))
	}
	if err != nil {
		return nil, 0, err
	}
	return p[producersHeader:], int(binary.BigEndian.Uint32(p[6:])), nil
}

// EncodeProducers makes a snapshot of about so many entries.
func EncodeProducers(about int, producers iter.Seq[Producer]) []byte {
	p := make([]byte, producersHeader, producersHeader+about*producerSize)
	n := 0
	for e := range producers {
		n++
		p = binary.BigEndian.AppendUint64(p, uint64(e.ID))
		p = binary.BigEndian.AppendUint16(p, uint16(e.Epoch))
		p = binary.BigEndian.AppendUint32(p, uint32(e.LastSequence))
		p = binary.BigEndian.AppendUint64(p, uint64(e.LastOffset))
		p = binary.BigEndian.AppendUint32(p, uint32(e.OffsetDelta))
		p = binary.BigEndian.AppendUint64(p, uint64(e.Timestamp))
		p = binary.BigEndian.AppendUint32(p, math.MaxUint32) // coordinator epoch: no transaction ever ended
		p = binary.BigEndian.AppendUint64(p, math.MaxUint64) // first offset of the transaction that is open: none
	}
	return finishProducers(p, n)
}

// ProducerIDs are the ids in a snapshot that EncodeProducers made.
func ProducerIDs(encoded []byte) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for at := producersHeader; at < len(encoded); at += producerSize {
			if !yield(int64(binary.BigEndian.Uint64(encoded[at:]))) {
				return
			}
		}
	}
}

func encodeKeyNotes(notes iter.Seq[KeyNote]) (p []byte, some int) {
	p = make([]byte, producersHeader)
	for n := range notes {
		some++
		p = binary.BigEndian.AppendUint64(p, uint64(n.ID))
		p = append(p, n.Digest[:]...)
		p = binary.BigEndian.AppendUint16(p, uint16(len(n.Runs)))
		for _, r := range n.Runs {
			p = binary.BigEndian.AppendUint64(p, uint64(r.Base))
			p = binary.BigEndian.AppendUint32(p, uint32(r.Count))
		}
	}
	return finishProducers(p, some), some
}

// finishProducers fills the header in.
func finishProducers(p []byte, n int) []byte {
	binary.BigEndian.PutUint16(p, producersVersion)
	binary.BigEndian.PutUint32(p[6:], uint32(n))
	binary.BigEndian.PutUint32(p[2:], crc32.Checksum(p[6:], castagnoli))
	return p
}
