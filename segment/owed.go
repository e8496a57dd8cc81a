package segment

import "fmt"

// owed is what Open found no room or no descriptor to write. What is read does not depend on it: the log knows where it
// ends, and without an index a segment is walked.
type owed struct {
	tail    int64 // where the file ends that has a torn tail; 0: none
	indexes []indexFiles
}

// indexFiles are a sealed segment's.
type indexFiles struct {
	base           int64
	offsets, times []byte
}

// Owes tells that Settle has something to write, before which nothing may be appended.
func (l *Log) Owes() bool { return l.owed.tail > 0 || len(l.owed.indexes) > 0 }

// Torn tells that a torn tail is still in its place, so that nothing can be appended.
func (l *Log) Torn() bool { return l.owed.tail > 0 }

// Settle writes what Open could not, as far as there is room: it may be called until it gives no error.
func (l *Log) Settle() error {
	if l.owed.tail > 0 {
		a := &l.active
		if _, err := cutTail(l.cfg.FS, l.cfg.Dir, a.file, a.base, a.size, l.owed.tail); err != nil {
			return fmt.Errorf("segment %d: torn tail: %w", a.base, err)
		}
		l.owed.tail = 0
	}
	for len(l.owed.indexes) > 0 {
		x := l.owed.indexes[0]
		if x.base < l.firstBase() { // it was let go of meanwhile
			l.owed.indexes = l.owed.indexes[1:]
			continue
		}
		if err := l.writeIndexes(x, true); err != nil {
			return fmt.Errorf("segment %d: index: %w", x.base, err)
		}
		l.owed.indexes = l.owed.indexes[1:]
	}
	return nil
}

// orOwe takes an error of Open that may be mended later for none, and notes it.
func (r *Report) orOwe(err error, owe func()) error {
	if err == nil || !MayRetry(err) {
		return err
	}
	r.Unwritten = err
	owe()
	return nil
}

// writeIndexes leaves none where it can't write both: an empty one could be taken for that of a small segment.
func (l *Log) writeIndexes(x indexFiles, sync bool) error {
	offsets, times := l.path(x.base, indexSuffix), l.path(x.base, timeIndexSuffix)
	err := overwrite(l.cfg.FS, offsets, x.offsets, sync)
	if err == nil {
		err = overwrite(l.cfg.FS, times, x.times, sync)
	}
	if err != nil {
		_, _ = l.cfg.FS.Remove(offsets), l.cfg.FS.Remove(times) // they may not be there; the error above is told
	}
	return err
}
