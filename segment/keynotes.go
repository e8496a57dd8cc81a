package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"flashq/segment/batch"
)

// What was asked for with a key is in no field of its batches, and has to be known after kill -9: it is written down in
// a file beside the active segment, in one write just before the log's. A note names its batch, and counts where that
// stands in the log. It is a cache: a note that can't be written is left out, and none is synced; a request is then
// compared with the log.

const (
	notesSuffix = ".keynotes"

	noteSize    = 8 + 8 + 4 + 16 + 4 // producer id, base offset, the batch's CRC, digest, CRC-32C of all that
	notesAtOnce = 1600
)

// ErrNotes is wrapped by Walk where all went well but for the notes beside the segment.
var ErrNotes = errors.New("notes of keys can't be read")

// keyNotes are what is written beside the active segment.
type keyNotes struct {
	file    File   // nil before the first one
	end     int64  // of those whose batches are written
	queued  []byte // for the next append
	written bool   // the queued ones are, after end
	off     bool   // none is written any more beside this segment
	failed  error  // why some are left out, until somebody has been told
	told    bool
}

// Note has the next Append write down what was asked for with the key that numbered one of its batches, which is
// stamped.
func (l *Log) Note(b batch.Batch, digest [16]byte) {
	n := &l.active.notes
	at := len(n.queued)
	n.queued = binary.BigEndian.AppendUint64(n.queued, uint64(b.ProducerID()))
	n.queued = binary.BigEndian.AppendUint64(n.queued, uint64(b.BaseOffset()))
	n.queued = binary.BigEndian.AppendUint32(n.queued, b.CRC())
	n.queued = append(n.queued, digest[:]...)
	n.queued = binary.BigEndian.AppendUint32(n.queued, crc32.Checksum(n.queued[at:], castagnoli))
}

// HasNotes tells that there are, or were, notes beside some segment.
func (l *Log) HasNotes() bool { return l.noted }

// Unnoted is why notes are left out; it is told once a segment.
func (l *Log) Unnoted() error {
	n := &l.active.notes
	err := n.failed
	n.failed = nil
	return err
}

// Ended is the offset below which no segment is written to any more, nor what stands beside it.
func (l *Log) Ended() int64 {
	if l.active.sealing {
		return l.active.next
	}
	return l.active.base
}

// writeNotes writes what is queued. Where there is no room, the next append may find some; what else fails is left.
func (l *Log) writeNotes() {
	n := &l.active.notes
	if n.off {
		return
	}
	var err error
	if n.file == nil {
		n.file, err = l.cfg.FS.Create(l.path(l.active.base, notesSuffix))
		l.noted = true
	}
	if err == nil {
		_, err = n.file.WriteAt(n.queued, n.end)
	}
	n.written, n.off = err == nil, err != nil && !MayRetry(err)
	if err != nil && !n.told {
		n.failed, n.told = fmt.Errorf("segment %d: note of a key: %w", l.active.base, err), true
	}
}

// conclude keeps what was written for an append that went through.
func (n *keyNotes) conclude(stored bool) {
	if n.written && stored {
		n.end += int64(len(n.queued))
	}
	if n.written = false; cap(n.queued) > 1<<20 {
		n.queued = nil
	}
	n.queued = n.queued[:0]
}

// close ends the notes of a segment: they are a cache, so nobody asks how.
func (n *keyNotes) close() {
	if n.file != nil {
		_ = n.file.Close()
		n.file = nil
	}
}

// RemoveNotes removes what was noted beside segments that begin below an offset.
func RemoveNotes(fs FS, dir string, below int64) error {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if base, suffix, err := baseOf(name); err != nil || suffix != notesSuffix || base >= below {
			continue
		}
		if err := fs.Remove(dir + "/" + name); err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	return nil
}

// batchName is how a note names its batch.
type batchName struct {
	id, base int64
	crc      uint32
}

// note is one that was found.
type note struct {
	digest [16]byte
	end    int64 // in its file
}

// foundNotes are the notes beside a segment, to be held against its batches.
type foundNotes struct {
	all map[batchName]note
	end int64 // of the last one whose batch is there
}

// findNotes reads the notes beside a segment of so many bytes. Those that are torn or damaged are not there.
func (l *Log) findNotes(base, size int64) (found foundNotes, err error) {
	f, err := l.cfg.FS.Open(l.path(base, notesSuffix))
	if errors.Is(err, ErrNotExist) {
		return found, nil
	}
	if err == nil {
		found.all = map[batchName]note{}
		_, err = readNotes(f, size/batch.HeaderSize+1, func(name batchName, n note) { found.all[name] = n })
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return found, fmt.Errorf("%s: %w", fileName(base, notesSuffix), err)
	}
	return found, nil
}

// readNotes gives up to so many notes, no more than the segment can have batches, and how many of them are damaged.
func readNotes(f File, most int64, see func(batchName, note)) (damaged int64, err error) {
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	err = EachNote(f, min(size/noteSize, most)*noteSize, func(n Note) error {
		if n.Damaged {
			damaged++
			return nil
		}
		see(batchName{id: n.ID, base: n.BaseOffset, crc: n.CRC}, note{digest: n.Digest, end: n.Pos + noteSize})
		return nil
	})
	return damaged, err
}

// Note is what stands in a file beside a segment: what was asked for with a key, and the batch that it names.
type Note struct {
	Pos            int64
	ID, BaseOffset int64
	CRC            uint32
	Digest         [16]byte
	Damaged        bool // and nothing of it but its place counts
}

// EachNote walks the whole notes of a file of so many bytes. It ends with see's first error.
func EachNote(f io.ReaderAt, size int64, see func(Note) error) error {
	size -= size % noteSize
	p := make([]byte, min(size, notesAtOnce*noteSize))
	for at := int64(0); at < size; {
		p = p[:min(int64(len(p)), size-at)]
		if err := readFull(f, p, at); err != nil {
			return err
		}
		for rest := p; len(rest) > 0; rest = rest[noteSize:] {
			if err := see(decodeNote(rest, at)); err != nil {
				return err
			}
			at += noteSize
		}
	}
	return nil
}

func decodeNote(p []byte, pos int64) Note {
	return Note{
		Pos: pos, ID: int64(binary.BigEndian.Uint64(p)), BaseOffset: int64(binary.BigEndian.Uint64(p[8:])),
		CRC: binary.BigEndian.Uint32(p[16:]), Digest: [16]byte(p[20:36]),
		Damaged: crc32.Checksum(p[:noteSize-4], castagnoli) != binary.BigEndian.Uint32(p[noteSize-4:]),
	}
}

// match looks whether there is a note of a batch.
func (f *foundNotes) match(b batch.Batch, tell func(id int64, digest [16]byte)) {
	if len(f.all) == 0 || !batch.IsKeyProducer(b.ProducerID()) {
		return
	}
	n, ok := f.all[batchName{id: b.ProducerID(), base: b.BaseOffset(), crc: b.CRC()}]
	if ok {
		f.end = max(f.end, n.end)
		tell(b.ProducerID(), n.digest)
	}
}

// notes reads what was noted beside segments: caches, which cost time alone.
func (c Check) notes(names []string) {
	for _, name := range names {
		base, suffix, err := baseOf(name)
		if err != nil || suffix != notesSuffix {
			continue
		}
		f, err := c.FS.Open(c.Dir + "/" + name)
		if err == nil {
			var damaged int64
			if damaged, err = readNotes(f, maxSegmentBytes/batch.HeaderSize, func(batchName, note) {}); damaged > 0 {
				c.fault(base, notesSuffix, false, "has %d notes that are damaged; a request is compared with the log instead",
					damaged)
			}
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			c.fault(base, notesSuffix, false, "can't be read: %v; a request is compared with the log instead", err)
		}
	}
}

// hasNotes tells whether there is any file of notes.
func hasNotes(names []string) bool {
	for _, name := range names {
		if strings.HasSuffix(name, notesSuffix) {
			return true
		}
	}
	return false
}

// scanNoted is scanLog that tells Config.Noted of the notes that the batches bear out; end is where the last of them
// ends. Notes that can't be read cost no more than time.
func (l *Log) scanNoted(
	f io.ReaderAt, base, size int64, powerCut bool, see func(batch.Batch), tell func(id int64, digest [16]byte),
) (s scan, end int64, unread, err error) {
	if tell == nil || !l.noted {
		s, err = scanLog(f, base, size, powerCut, seeing(see))
		return s, 0, nil, err
	}
	notes, unread := l.findNotes(base, size)
	s, err = scanLog(f, base, size, powerCut, func(b batch.Batch, _, _ int64) {
		see(b)
		notes.match(b, tell)
	})
	return s, notes.end, unread, err
}
