package segment

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"flashq/segment/batch"
)

// Sealed is what retention needs to know of a sealed segment.
type Sealed struct {
	Base  int64
	Bytes int64
	End   int64 // where the next one begins
	// Arrived is when its last record did, by the steady clock.
	Arrived int64
}

// Sealed walks the sealed segments, oldest first.
func (l *Log) Sealed() iter.Seq[Sealed] {
	return func(yield func(Sealed) bool) {
		for i, s := range l.sealed {
			end := l.active.base
			if i+1 < len(l.sealed) {
				end = l.sealed[i+1].base
			}
			if !yield(Sealed{Base: s.base, Bytes: s.size, End: end, Arrived: s.arrived}) {
				return
			}
		}
	}
}

// Walk gives every good batch of a sealed segment, and what was noted of keys beside it. It reads all of it, so it is
// for start-up only. ErrNotes: all but the notes.
func (l *Log) Walk(s Sealed, see func(batch.Batch), noted func(id int64, digest [16]byte)) error {
	f, err := l.cfg.FS.Open(l.path(s.Base, logSuffix))
	if err != nil {
		return fmt.Errorf("segment %d: walk: %w", s.Base, err)
	}
	_, _, unread, err := l.scanNoted(f, s.Base, s.Bytes, false, see, noted)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("segment %d: walk: %w", s.Base, err)
	}
	if unread != nil {
		return fmt.Errorf("%w: %w", ErrNotes, unread)
	}
	return nil
}

// ActiveBegan is when the first record of the active segment arrived, by the steady clock; ok is false without one.
func (l *Log) ActiveBegan() (steady int64, ok bool) { return l.active.began, l.active.size > 0 }

// TrimJob removes the files of segments that the log has let go of, also what an earlier one left. It is run beside the
// owner, one after the other, each removal made durable before the next one, so that what a power cut leaves behind has
// no hole.
type TrimJob struct {
	log   *Log // only cfg and path are used
	below int64
	empty bool
}

// Trim lets go of the n oldest sealed segments. Views that hold them find them gone once the job has run.
func (l *Log) Trim(n int) TrimJob {
	for _, s := range l.sealed[:n] {
		l.bytes -= s.size
	}
	l.sealed = l.sealed[n:]
	l.start = max(l.start, l.firstBase())
	job := l.Cleanup()
	job.empty = n == 0
	return job
}

// Cleanup removes what is still there of segments that the log let go of before.
func (l *Log) Cleanup() TrimJob { return l.Removal(l.firstBase()) }

// Removal removes the files of segments before one that begins at an offset, which the log need not have let go of.
func (l *Log) Removal(below int64) TrimJob { return TrimJob{log: l, below: below} }

// Below is where the first segment that stays begins.
func (j TrimJob) Below() int64 { return j.below }

// Empty tells that there is nothing to remove.
func (j TrimJob) Empty() bool { return j.empty }

// Run removes the files. The log goes first: an index without a log is nothing. It ends with the first error: to go on
// would leave a hole.
func (j TrimJob) Run() error {
	names, err := j.log.cfg.FS.ReadDir(j.log.cfg.Dir)
	if err != nil {
		return err
	}
	for _, base := range basesBelow(names, j.below) {
		if err := j.remove(base); err != nil {
			return fmt.Errorf("segment %d: remove: %w", base, err)
		}
	}
	return nil
}

// basesBelow lists the segments of which any file is there, in order, up to an offset.
func basesBelow(names []string, below int64) []int64 {
	var bases []int64
	for _, name := range names {
		if base, suffix, err := baseOf(name); err == nil && suffix != "" && base < below {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return slices.Compact(bases)
}

func (j TrimJob) remove(base int64) error {
	fs := j.log.cfg.FS
	for _, suffix := range []string{logSuffix, indexSuffix, timeIndexSuffix, notesSuffix} {
		if err := fs.Remove(j.log.path(base, suffix)); err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	return fs.SyncDir(j.log.cfg.Dir)
}
