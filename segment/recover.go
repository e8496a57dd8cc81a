package segment

import (
	"errors"
	"fmt"
	"io"

	"flashq/segment/batch"
)

// Damage is a range of offsets that can't be served.
type Damage struct{ First, Next int64 }

// Report is what Open found and did.
type Report struct {
	Records int64
	Damage  []Damage
	// CutBytes is the size of the torn tail that was cut off and kept as Broken.
	CutBytes int64
	// Unwritten says why something that Open found was not written, and waits for Settle; nil where all was.
	Unwritten error
	Broken    string
	// Scanned counts the bytes that start-up read, Rebuilt the sealed segments whose indexes were made anew.
	Scanned int64
	Rebuilt int
	// Stays is why files from before the log's start are still there.
	Stays error
	// Producers is why something that was saved of producers could not be used.
	Producers error
	// StartBeyond tells that Config.LogStart is beyond the log's end and was not believed.
	StartBeyond bool
}

const scanWindow = 1 << 20

// scan is what a walk over a whole log file tells.
type scan struct {
	indexes

	next   int64 // the offset after the last record
	end    int64 // the position after the last batch that is kept
	epoch  int32 // of the last good batch, -1 without one
	damage []Damage
}

// seeing is for those who look at nothing but the batches; nil sees none.
func seeing(see func(batch.Batch)) func(b batch.Batch, pos, maxTS int64) {
	if see == nil {
		return nil
	}
	return func(b batch.Batch, _, _ int64) { see(b) }
}

// scanLog walks a log file from its start. powerCut tells whether a whole but wrong last batch may be torn: only a
// power cut tears a write without shortening the file. see, unless it is nil, is given every good batch with its
// position and the largest timestamp up to it.
func scanLog(
	f io.ReaderAt, base, size int64, powerCut bool, see func(b batch.Batch, pos, maxTS int64),
) (scan, error) {
	s := scan{indexes: newIndexes(), next: base, epoch: -1}
	c := newCursor(f, 0, size, base, scanWindow)
	defer c.release()
	for {
		pos := c.pos
		b, err := c.next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err == nil {
			s.add(base, b, pos)
			s.next, s.end, s.epoch = c.expected, c.pos, b.LeaderEpoch()
			if see != nil {
				see(b, pos, s.maxTS)
			}
			continue
		}
		if !errors.Is(err, errDamaged) {
			return s, err
		}
		found, err := c.resync()
		if err != nil {
			return s, err
		}
		if !found {
			return s, s.judgeTail(f, pos, size, powerCut)
		}
		s.noteDamage(c.expected)
	}
}

// noteDamage tells that offsets from s.next up to next are lost. Bytes too many, that hold no offset, are no damage.
func (s *scan) noteDamage(next int64) {
	if next > s.next {
		s.damage = append(s.damage, Damage{First: s.next, Next: next})
	}
	s.next = next
}

// judgeTail decides about bad bytes at the end with nothing good after it: batches that once were whole stay, as
// damage that has a name, and a torn write after them is left to be cut.
func (s *scan) judgeTail(f io.ReaderAt, pos, size int64, powerCut bool) error {
	for pos < size {
		p := make([]byte, min(size-pos, maxBatch))
		if err := readFull(f, p, pos); err != nil {
			return err
		}
		length, n := wholeOnce(p, s.next, powerCut)
		if n == 0 {
			return nil
		}
		s.noteDamage(s.next + n)
		pos += int64(length)
		s.end = pos
	}
	return nil
}

// wholeOnce tells how long the damaged batch that p begins with is, and how many records it held: 0 when p looks like a
// torn write.
func wholeOnce(p []byte, expected int64, powerCut bool) (length int, records int64) {
	if len(p) < batch.HeaderSize {
		return 0, 0
	}
	whole := batch.Batch(p)
	declared, err := batch.Size(p)
	fits := err == nil && declared <= len(p)
	if fits {
		whole = batch.Batch(p[:declared])
	}
	covered := whole.CRCHolds()
	if !covered && (!fits || powerCut || whole.BaseOffset() != expected) {
		return 0, 0
	}
	return len(whole), recordsIn(whole)
}

// recordsIn counts the records of a damaged batch. The header says it twice; where the two differ, the CRC tells which
// one is right, and failing that the larger possible one counts: an offset must not be used twice.
func recordsIn(b batch.Batch) int64 {
	count, last := b.Count(), b.LastOffsetDelta()
	if count != last+1 {
		for _, n := range []int32{count, last + 1} {
			if mended := b.WithCount(n); mended.CRCHolds() {
				return int64(n)
			}
		}
	}
	n := int64(0)
	for _, c := range []int64{int64(count), int64(last) + 1} {
		if c > n && c <= int64(len(b)) {
			n = c
		}
	}
	return n
}

// cutTail keeps what stands after end as a .broken file and cuts the log there.
func cutTail(fs FS, dir string, f File, base, end, size int64) (string, error) {
	name, err := unusedName(fs, dir+"/"+fmt.Sprintf("%020d-%d%s", base, end, brokenSuffix))
	if err != nil {
		return "", err
	}
	out, err := fs.Create(name)
	if err != nil {
		return "", err
	}
	err = copyRange(out, f, end, size)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", errors.Join(err, fs.Remove(name)) // the next start tries again
	}
	if err := fs.SyncDir(dir); err != nil {
		return "", err
	}
	return name, errors.Join(f.Truncate(end), f.Sync())
}

func copyRange(to File, from io.ReaderAt, pos, end int64) error {
	if err := to.Truncate(0); err != nil {
		return err
	}
	buf := make([]byte, min(end-pos, scanWindow))
	for at := int64(0); pos < end; {
		p := buf[:min(int64(len(buf)), end-pos)]
		if err := readFull(from, p, pos); err != nil {
			return err
		}
		if _, err := to.WriteAt(p, at); err != nil {
			return err
		}
		pos, at = pos+int64(len(p)), at+int64(len(p))
	}
	return nil
}
