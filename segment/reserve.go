package segment

import (
	"errors"
	"fmt"
	"math"
)

// Preallocator is a File that can have blocks before anything is written to them: only on Linux.
type Preallocator interface {
	// Preallocate takes blocks for n bytes from off on; the file's size stays. errors.ErrUnsupported where the file system
	// has no such thing.
	Preallocate(off, n int64) error
}

// reserveStep is how much Reserve takes at a time: a file system that fails may give back all that it was asked for.
const reserveStep = 4096

// nextName is the file that the next segment will be: it has blocks, and no bytes.
const nextName = "next-segment.reserve"

// Reserve takes blocks for n bytes more of the active segment, so that they can be appended although the disk is full
// by then. Where there is no such thing it does nothing.
func (l *Log) Reserve(n int64) (err error) {
	a := &l.active
	if a.reserved >= a.size+n {
		return nil
	}
	if a.reserved, err = preallocate(a.file.File, max(a.reserved, a.size), a.size+n); err != nil {
		return fmt.Errorf("segment %d: reserve: %w", a.base, err)
	}
	return nil
}

// ReserveNext takes blocks for the first n bytes of the next segment, so that the log can roll and n bytes be written
// there although the disk is full by then. What an earlier start took is found again. Where there is no such thing it
// does nothing.
func (l *Log) ReserveNext(n int64) error {
	if _, ok := l.active.file.File.(Preallocator); !ok || l.noBlocks || l.next >= n {
		return nil
	}
	f, err := l.cfg.FS.Create(l.cfg.Dir + "/" + nextName)
	if err != nil {
		return fmt.Errorf("%s: %w", nextName, err)
	}
	l.Resync() // the folder has a new entry
	l.next, err = preallocate(f, l.next, n)
	err = errors.Join(err, f.Close())
	if l.next == math.MaxInt64 {
		l.next, l.noBlocks = 0, true
		err = errors.Join(err, l.cfg.FS.Remove(l.cfg.Dir+"/"+nextName))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", nextName, err)
	}
	return nil
}

// NextReserved is how many bytes of the next segment have blocks, as far as ReserveNext took them.
func (l *Log) NextReserved() int64 { return l.next }

// preallocate takes blocks for a file that has them up to one position, up to another. It tells how far it came:
// everywhere, where there is no such thing.
func preallocate(f File, from, to int64) (int64, error) {
	file, ok := f.(Preallocator)
	if !ok {
		return math.MaxInt64, nil
	}
	for from < to {
		step := reserveStep - from%reserveStep // to the end of a block
		err := file.Preallocate(from, step)
		if errors.Is(err, errors.ErrUnsupported) {
			return math.MaxInt64, nil
		}
		if err != nil {
			return from, err
		}
		from += step
	}
	return from, nil
}
