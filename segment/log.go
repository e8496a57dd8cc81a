package segment

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"flashq/segment/batch"
	"flashq/slab"
)

// Config says where a log lives; FS and Dir are required.
type Config struct {
	FS  FS
	Dir string // below the FS's root
	// SegmentBytes is where the log rolls, 0 is 1 GiB. A batch is never split, so a segment may be one batch larger.
	SegmentBytes int64
	// PowerCut tells that the log may have lost writes that were not synced: the machine went down, not just the broker.
	PowerCut bool
	// Now is when the log is opened.
	Now Moment
	// LogStart is where the log begins although earlier files may be there, 0 is where they say.
	LogStart int64
	// See, if it is not nil, is given every good batch of the last segment, which Open reads.
	See func(batch.Batch)
	// Noted, if it is not nil as See is not, is told what was asked for with the keys that numbered such batches.
	Noted func(id int64, digest [16]byte)
}

const (
	defaultSegmentBytes = 1 << 30
	maxSegmentBytes     = math.MaxInt32 // index positions are 32 bits wide
)

// Log is one partition's segments. All methods belong to its one owner.
type Log struct {
	cfg    Config
	sealed []sealedInfo // oldest first; elements never change, views share the array
	active active
	start  int64 // of what is kept: the first segment's base, or further on
	bytes  int64 // of all sealed segments
	lines  int   // of the checkpoint
	owed   owed
	gather []byte
	noted  bool // there may be notes beside segments

	next     int64 // how many bytes of the next segment have blocks; see ReserveNext
	noBlocks bool  // there is no such thing
}

// active is the segment that is written to.
type active struct {
	indexes

	base, next int64
	size       int64
	file       *shared
	arrived    int64 // when its first and its last record did, by the steady clock
	began      int64
	reserved   int64 // up to where the file has blocks, as far as Reserve took them
	sealing    bool  // a SealJob is out: no append until Roll
	dirty      bool  // the folder has entries that no SyncJob has taken yet
	notes      keyNotes
}

// shared is an open file counted by its users: the log itself, views and jobs.
type shared struct {
	File

	refs atomic.Int32
}

func share(f File) *shared {
	s := &shared{File: f}
	s.refs.Store(1)
	return s
}

func (s *shared) hold() *shared {
	s.refs.Add(1)
	return s
}

func (s *shared) drop() error {
	if s.refs.Add(-1) == 0 {
		return s.Close()
	}
	return nil
}

// Next is the offset of the next record.
func (l *Log) Next() int64 { return l.active.next }

// Start is the offset of the earliest record that is kept.
func (l *Log) Start() int64 { return l.start }

// firstBase is where the first segment begins.
func (l *Log) firstBase() int64 {
	if len(l.sealed) > 0 {
		return l.sealed[0].base
	}
	return l.active.base
}

// Bytes is the size of all .log files.
func (l *Log) Bytes() int64 { return l.bytes + l.active.size }

// Segments is the number of segments, the active one included.
func (l *Log) Segments() int { return len(l.sealed) + 1 }

// ActiveBytes is the size of the active segment.
func (l *Log) ActiveBytes() int64 { return l.active.size }

// ActiveEmpty tells whether there is nothing in the active segment.
func (l *Log) ActiveEmpty() bool { return l.active.size == 0 }

// Timestamps are the first record's and the largest of the last segment that has any; -1 without records.
func (l *Log) Timestamps() (first, last int64) {
	first, last = l.active.firstTS, l.active.maxTS
	if len(l.sealed) > 0 {
		first = l.sealed[0].firstTS
		last = max(last, l.sealed[len(l.sealed)-1].runMax)
	}
	return first, last
}

// SetSegmentBytes changes where the log rolls; 0 is the default.
func (l *Log) SetSegmentBytes(n int64) {
	if n <= 0 {
		n = defaultSegmentBytes
	}
	l.cfg.SegmentBytes = min(n, maxSegmentBytes)
}

// Fits tells whether so many bytes up to lastOffset may go into the active segment; else seal and roll first.
func (l *Log) Fits(bytes, lastOffset int64) bool {
	a := &l.active
	return a.size == 0 || (a.size+bytes <= l.cfg.SegmentBytes && lastOffset-a.base <= math.MaxInt32)
}

// Keeps tells whether the memory FS keeps memory of which so many bytes are to be written, instead of copying them: it
// holds all of it then.
func Keeps(bytes, capacity int) bool { return bytes >= 64<<10 && bytes*4 >= capacity*3 }

// ErrNotCut is wrapped by Append when a torn write left bytes that could not be cut away either: recovery has to.
var ErrNotCut = errors.New("torn write could not be cut away")

// errUsedUp is returned by Append at an offset that no log gets to.
var errUsedUp = errors.New("offsets are used up")

// Append writes stamped batches in one write. Nothing has changed when it fails, but for ErrNotCut. kept is set where
// the memory that the first batch stands in, up to its capacity, belongs to the file from now on, with all batches in
// it; nil: all has to be copied.
func (l *Log) Append(now Moment, batches []batch.Batch, kept *bool) error {
	err := l.append(now, batches, kept)
	if n := &l.active.notes; len(n.queued) > 0 {
		n.conclude(err == nil)
	}
	return err
}

func (l *Log) append(now Moment, batches []batch.Batch, kept *bool) error {
	a := &l.active
	if a.sealing || l.owed.tail > 0 {
		return fmt.Errorf("segment %d: append while it is sealed, or has a torn tail", a.base)
	}
	if last := batches[len(batches)-1].LastOffset(); last < a.next || last >= MaxOffset {
		return fmt.Errorf("segment %d: append: %w", a.base, errUsedUp)
	}
	if len(a.notes.queued) > 0 {
		l.writeNotes()
	}
	if err := l.write(batches, kept); err != nil {
		a.reserved = 0 // cutting gives blocks back
		if cut := a.file.Truncate(a.size); cut != nil {
			err = fmt.Errorf("%w: %w (%w)", ErrNotCut, err, cut)
		}
		return fmt.Errorf("segment %d: append: %w", a.base, err)
	}
	if a.size == 0 {
		a.began = now.Steady
	}
	a.arrived = now.Steady
	for _, b := range batches {
		a.add(a.base, b, a.size)
		a.size += int64(len(b))
		a.next = b.LastOffset() + 1
	}
	return nil
}

func (l *Log) write(batches []batch.Batch, kept *bool) error {
	a, run := &l.active, joined(batches)
	if run == nil {
		return l.writeGathered(batches)
	}
	if to, ok := a.file.File.(Adopter); ok && kept != nil && Keeps(len(run), cap(run)) {
		err := to.AdoptAt(run, a.size)
		*kept = err == nil
		return err
	}
	_, err := a.file.WriteAt(run, a.size)
	return err
}

// joined gives batches that stand one directly after the other in one piece of memory, as the first one's capacity
// shows, as that piece; nil where they don't.
func joined(batches []batch.Batch) []byte {
	run := []byte(batches[0])
	for _, b := range batches[1:] {
		end := len(run)
		if cap(run)-end < len(b) || &run[:end+1][end] != &b[0] {
			return nil
		}
		run = run[:end+len(b)]
	}
	return run
}

// writeGathered copies batches together: one system call instead of many. Where they are large the memory is lent for
// the write, or each would touch fresh pages.
func (l *Log) writeGathered(batches []batch.Batch) error {
	const small = 64 << 10
	size := 0
	for _, b := range batches {
		size += len(b)
	}
	gather := l.gather[:0]
	if size > small {
		gather = slab.Get(size)
		defer slab.Put(gather)
	}
	for _, b := range batches {
		gather = append(gather, b...)
	}
	if size <= small {
		l.gather = gather
	}
	_, err := l.active.file.WriteAt(gather, l.active.size)
	return err
}

// create makes the file of a new active segment, or takes the one that has blocks for it. Its index files come when it
// ends.
func (l *Log) create(base int64) error {
	name, reserved := l.path(base, logSuffix), l.next
	if reserved > 0 {
		switch err := l.cfg.FS.Rename(l.cfg.Dir+"/"+nextName, name); {
		case errors.Is(err, ErrNotExist): // somebody took it away
			reserved = 0
		case err != nil:
			return fmt.Errorf("segment %d: create: %w", base, err)
		}
		l.next = 0
	}
	f, err := l.cfg.FS.Create(name)
	if err != nil {
		return fmt.Errorf("segment %d: create: %w", base, err)
	}
	l.active = active{indexes: newIndexes(), base: base, next: base, file: share(f), reserved: reserved, dirty: true}
	return nil
}

func (l *Log) path(base int64, suffix string) string { return l.cfg.Dir + "/" + fileName(base, suffix) }
