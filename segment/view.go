package segment

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"flashq/segment/batch"
)

// ErrGone is wrapped by what a View's methods return when the bytes were trimmed away since it was made: take a new
// View.
var ErrGone = errors.New("segment is gone")

// DamagedError names offsets that can't be served.
type DamagedError struct{ First, NextGood int64 }

func (e *DamagedError) Error() string {
	return damagedOffsets(e.First, e.NextGood)
}

// damagedOffsets says it of one offset, or of several.
func damagedOffsets(first, next int64) string {
	if next == first+1 {
		return fmt.Sprintf("offset %d is damaged", first)
	}
	return fmt.Sprintf("offsets %d to %d are damaged", first, next-1)
}

// UnreadableError names offsets whose file can't be opened or read, which says nothing of the records: they may be
// good. Err is ErrGone where the file is not there.
type UnreadableError struct {
	Segment     int64 // where the file's segment begins
	First, Next int64
	Err         error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("offsets %d to %d can't be read: %v", e.First, e.Next-1, e.Err)
}
func (e *UnreadableError) Unwrap() error { return e.Err }

// View is an immutable look at a log, for one goroutine at a time. It holds the active file open until Close, and
// opens sealed ones as it reads them.
type View struct {
	fs     FS
	dir    string
	sealed []sealedInfo
	active active
	start  int64
	end    int64 // offsets from here on are not to be seen
	reader *reader
}

// reader is where a View stopped reading. Who reads on from there need neither open the segment nor look for the place.
type reader struct {
	segment int
	piece   *piece
	cursor  cursor
}

// View makes a look at the log that ends before offset end.
func (l *Log) View(end int64) *View {
	v := &View{fs: l.cfg.FS, dir: l.cfg.Dir, sealed: l.sealed, active: l.active, start: l.start, end: end}
	v.active.file = l.active.file.hold()
	return v
}

// Rest gives back what was kept for reading on, which may still be done.
func (v *View) Rest() {
	r := v.reader
	if r == nil {
		return
	}
	v.reader = nil
	r.cursor.release()
	_ = r.piece.close() // opened for reading
}

// Close gives the active file up.
func (v *View) Close() {
	v.Rest()
	_ = v.active.file.drop() // opened for reading and writing, synced by its owner: nothing is lost here
}

// Start is the offset of the earliest record.
func (v *View) Start() int64 { return v.start }

// End is the offset after the last record to be seen.
func (v *View) End() int64 { return v.end }

// piece is one segment as a View reads it.
type piece struct {
	base, next, size int64
	limit            int64 // where the next segment begins, or the view's end
	active           bool  // its indexes are the owner's own, and go up to the end
	file             io.ReaderAt
	close            func() error
	offsets          lookup[indexEntry]
	times            lookup[timeEntry]
}

// count is the number of segments.
func (v *View) count() int { return len(v.sealed) + 1 }

func (v *View) base(i int) int64 {
	if i < len(v.sealed) {
		return v.sealed[i].base
	}
	return v.active.base
}

// limit is where the offsets of a segment end: where the next one begins, or the view's end.
func (v *View) limit(i int) int64 {
	if i < len(v.sealed) {
		return min(v.base(i+1), v.end)
	}
	return v.end
}

// unreadable says which offsets an error of the file system keeps from being read, from one on. Missing descriptors are
// no fault of a file: that error stays as it is.
func (v *View) unreadable(i int, from int64, err error) error {
	if IsOutOfFiles(err) {
		return err
	}
	return &UnreadableError{Segment: v.base(i), First: max(from, v.base(i)), Next: v.limit(i), Err: err}
}

// find gives the index of the segment that holds an offset.
func (v *View) find(offset int64) int {
	return max(sort.Search(v.count(), func(i int) bool { return v.base(i) > offset })-1, 0)
}

// open opens the i-th segment; need is indexSuffix, or timeIndexSuffix for both: a time leads to an offset.
func (v *View) open(i int, need string) (*piece, error) {
	if i == len(v.sealed) {
		a := &v.active
		return &piece{
			base: a.base, next: a.next, size: a.size, limit: v.end, file: a.file, close: func() error { return nil },
			active: true, offsets: inMemory(a.offsets), times: inMemory(a.times),
		}, nil
	}
	s := v.sealed[i]
	p := &piece{base: s.base, next: s.next, size: s.size, limit: v.limit(i)}
	var files [3]File
	p.close = func() error { return closeAll(files[:]) }
	for k, suffix := range []string{logSuffix, indexSuffix, timeIndexSuffix} {
		if suffix == timeIndexSuffix && need != timeIndexSuffix {
			break
		}
		f, err := v.fs.Open(v.dir + "/" + fileName(s.base, suffix))
		switch {
		case err == nil:
			files[k] = f
		case suffix == logSuffix && errors.Is(err, ErrNotExist):
			return nil, errors.Join(ErrGone, err)
		case suffix == logSuffix || IsOutOfFiles(err):
			return nil, errors.Join(err, p.close())
		}
	}
	p.file = files[0]
	p.openIndexes(files[1], files[2])
	return p, nil
}

// openIndexes uses what is there and can be read: without an index, the log is walked from its start.
func (p *piece) openIndexes(offsets, times File) {
	if offsets != nil {
		if l, err := offsetsInFile(offsets); err == nil {
			p.offsets = l
		}
	}
	if times != nil {
		if l, err := timesInFile(times); err == nil {
			p.times = l
		}
	}
}

func closeAll(files []File) (err error) {
	for _, f := range files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// seek gives a cursor at a batch boundary at or before offset: by the index where its entry is borne out by the log,
// else from the segment's start.
func (p *piece) seek(offset int64, window int) cursor {
	rel := offset - p.base
	e, ok, err := lastBelow(p.offsets, func(e indexEntry) bool { return int64(e.rel) >= rel })
	if err == nil && ok && int64(e.pos) < p.size {
		c := newCursor(p.file, int64(e.pos), p.size, 0, window)
		if h, _, err := c.head(stepAhead); err == nil && h.Version() == batch.Magic && h.LastOffset() == p.base+int64(e.rel) {
			c.expected = h.BaseOffset()
			return c
		}
		c.release()
	}
	return newCursor(p.file, 0, p.size, p.base, window)
}

// Read appends to dst whole, verified batches, beginning with the one that holds offset from, until maxBytes or the
// view's end; at least one where there is any. It takes dst over, a slab or nil, and gives the slab that holds the
// answer. Damage right at from is a DamagedError, and a file there that can't be read an UnreadableError; further on
// they end the answer before it. ErrGone means that the segment was trimmed, or removed by somebody else.
func (v *View) Read(dst []byte, from int64, maxBytes int) ([]byte, error) {
	from = max(from, v.start)
	for had := len(dst); from < v.end && len(dst)-had < maxBytes; {
		before := from
		var err error
		if dst, from, err = v.readSegment(dst, had, from, maxBytes); err != nil {
			if len(dst) > had {
				return dst, nil // what was read stands; the next call will meet the error first
			}
			return dst, err
		}
		if from == before { // what comes next would be too much
			return dst, nil
		}
	}
	return dst, nil
}

// readSegment reads on within the one segment that holds from, and tells where to go on. had is what dst held before
// Read.
func (v *View) readSegment(dst []byte, had int, from int64, maxBytes int) ([]byte, int64, error) {
	r, err := v.readerAt(from, min(maxBytes+2*indexInterval, scanWindow))
	if err != nil {
		return dst, from, err
	}
	dst, from, err = r.piece.read(&r.cursor, dst, had, from, maxBytes)
	if err == nil {
		return dst, from, nil
	}
	i := r.segment
	v.Rest()
	var damaged *DamagedError
	if !errors.As(err, &damaged) {
		err = v.unreadable(i, from, err)
	}
	return dst, from, err
}

// readerAt gives a reader that stands at or before offset from.
func (v *View) readerAt(from int64, window int) (*reader, error) {
	i := v.find(from)
	if r := v.reader; r != nil && r.segment == i && r.cursor.expected == from {
		return r, nil
	}
	v.Rest()
	p, err := v.open(i, indexSuffix)
	if err != nil {
		return nil, v.unreadable(i, from, err)
	}
	v.reader = &reader{segment: i, piece: p, cursor: p.seek(from, window)}
	return v.reader, nil
}

// roomAbove is from where on a reader that brings so much room has the file read right into it.
const roomAbove = 64 << 10

func (p *piece) read(c *cursor, dst []byte, had int, from int64, maxBytes int) ([]byte, int64, error) {
	skipped, ahead := c.skip(from), c.ahead
	if n := len(dst); cap(dst)-n >= roomAbove {
		if dst = c.moveInto(dst, maxBytes-(n-had), p.limit); len(dst) > n {
			from, skipped = c.expected, false
			ahead = batch.HeaderSize // most likely all that fits is there
		}
	}
	for from < p.limit {
		if taken := len(dst) - had; taken > 0 && c.isFull(maxBytes-taken, ahead) {
			return dst, from, nil
		}
		b, err := c.next()
		switch {
		case err != nil && skipped: // by heads that nobody had verified
			skipped = false
			c.back()
		case err == nil && b.LastOffset() < from: // after damage
		case err == nil:
			from = b.LastOffset() + 1
			dst = c.moveTo(dst, b)
		case !errors.Is(err, io.EOF) && !errors.Is(err, errDamaged):
			return dst, from, err
		default:
			if err := p.damage(c, from); err != nil {
				return dst, from, err
			}
		}
	}
	return dst, from, nil
}

// damage looks where good records go on after c: nil when that is not after from, with c moved there; else the
// DamagedError.
func (p *piece) damage(c *cursor, from int64) error {
	next := p.limit
	switch found, err := c.resync(); {
	case err != nil && !errors.Is(err, errDamaged):
		return err
	case found && c.expected <= from:
		return nil
	case found:
		next = min(c.expected, p.limit)
	}
	return &DamagedError{First: from, NextGood: next}
}
