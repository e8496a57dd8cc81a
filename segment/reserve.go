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

// Reserve takes blocks for n bytes more of the active segment, so that they can be appended although the disk is full
// by then. Where there is no such thing it does nothing.
func (l *Log) Reserve(n int64) error {
	a := &l.active
	file, ok := a.file.File.(Preallocator)
	if !ok {
		return nil
	}
	for a.reserved < a.size+n {
		from := max(a.reserved, a.size)
		step := reserveStep - from%reserveStep // to the end of a block
		err := file.Preallocate(from, step)
		if errors.Is(err, errors.ErrUnsupported) {
			a.reserved = math.MaxInt64
			return nil
		}
		if err != nil {
			return fmt.Errorf("segment %d: reserve: %w", a.base, err)
		}
		a.reserved = from + step
	}
	return nil
}
