package segment

import (
	"errors"
	"fmt"
	"iter"
)

// Sealed is what retention needs to know of a sealed segment.
type Sealed struct {
	Bytes int64
	Next  int64 // the offset behind its last record
	// Arrived is when its last record did, by the steady clock.
	Arrived int64
}

// Sealed walks the sealed segments, oldest first.
func (l *Log) Sealed() iter.Seq[Sealed] {
	return func(yield func(Sealed) bool) {
		for _, s := range l.sealed {
			if !yield(Sealed{Bytes: s.size, Next: s.next, Arrived: s.arrived}) {
				return
			}
		}
	}
}

// ActiveBegan is when the first record of the active segment arrived, by the steady clock; ok is false without one.
func (l *Log) ActiveBegan() (steady int64, ok bool) { return l.active.began, l.active.size > 0 }

// TrimJob removes the files of segments that the log has let go of. It is run once, beside the owner, in the order of
// the segments, each removal made durable before the next one, so that what a power cut leaves behind has no hole.
type TrimJob struct {
	log   *Log // only cfg and path are used
	bases []int64
}

// Trim lets go of the n oldest sealed segments. Views that hold them find them gone once the job has run.
func (l *Log) Trim(n int) TrimJob {
	job := TrimJob{log: l}
	for _, s := range l.sealed[:n] {
		job.bases = append(job.bases, s.base)
		l.bytes -= s.size
	}
	l.sealed = l.sealed[n:]
	return job
}

// Empty tells that there is nothing to remove.
func (j TrimJob) Empty() bool { return len(j.bases) == 0 }

// Run removes the files. The log goes first: an index without a log is nothing. It ends with the first error: to go on
// would leave a hole.
func (j TrimJob) Run() error {
	for _, base := range j.bases {
		if err := j.remove(base); err != nil {
			return fmt.Errorf("segment %d: remove: %w", base, err)
		}
	}
	return nil
}

func (j TrimJob) remove(base int64) error {
	fs := j.log.cfg.FS
	for _, suffix := range []string{logSuffix, indexSuffix, timeIndexSuffix} {
		if err := fs.Remove(j.log.path(base, suffix)); err != nil && !errors.Is(err, ErrNotExist) {
			return err
		}
	}
	return fs.SyncDir(j.log.cfg.Dir)
}
