package dump

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"flashq/segment"
)

// indexWalk is a walk over an index file, held against the log beside it.
type indexWalk struct {
	*out

	log     *os.File       // nil where there is none
	heads   *segment.Heads // of that log
	fields  func(e entry) []Field
	check   func(key, value int64) error
	last    entry
	entries int
	zero    entry // one that is zero
	zeroes  int   // and how many of those there are since the last that is not
}

// entry is what is searched for in an index, and what is found.
type entry struct{ key, value int64 }

func (o *out) offsetIndex(f *os.File, size int64) error {
	const entrySize = 8
	return o.index(size, entrySize, func(w *indexWalk, base int64) error {
		w.fields = func(e entry) []Field { return []Field{{"offset", e.key}, {"position", e.value}} }
		if w.heads != nil {
			w.check = w.heads.CheckOffset
		}
		return segment.EachOffsetEntry(f, base, func(offset, pos int64) error {
			return w.add(entry{offset, pos}, offset == base && pos == 0)
		})
	})
}

func (o *out) timeIndex(f *os.File, size int64) error {
	const entrySize = 12
	return o.index(size, entrySize, func(w *indexWalk, base int64) error {
		w.fields = func(e entry) []Field { return []Field{{"timestamp", Millis(e.key)}, {"offset", e.value}} }
		if w.heads != nil {
			w.check = w.heads.CheckTime
		}
		return segment.EachTimeEntry(f, base, func(timestamp, offset int64) error {
			return w.add(entry{timestamp, offset}, timestamp == 0 && offset == base)
		})
	})
}

// index walks an index file beside its log.
func (o *out) index(size, entrySize int64, walk func(w *indexWalk, base int64) error) error {
	w := &indexWalk{out: o, last: entry{-1, -1}, check: func(int64, int64) error { return nil }}
	if err := w.openLog(); err != nil {
		return err
	}
	defer w.close()
	base, _ := baseOf(o.path)
	err := walk(w, base)
	if err == nil {
		err = w.end()
	}
	if torn := size % entrySize; err == nil && torn != 0 {
		err = o.damaged("%d bytes are after the last whole entry", torn)
	}
	if err != nil {
		return err
	}
	return o.say("end", Field{"entries", w.entries}, Field{"damaged", o.faults})
}

// openLog opens the log beside an index.
func (w *indexWalk) openLog() error {
	name, _, _ := strings.Cut(filepath.Base(w.path), ".")
	log, err := os.Open(filepath.Join(filepath.Dir(w.path), name+".log"))
	if errors.Is(err, fs.ErrNotExist) {
		return w.say("note", Field{"what", Words("no log is beside it: its entries are not checked")})
	}
	if err != nil {
		return err
	}
	info, err := log.Stat()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	w.log, w.heads = log, segment.NewHeads(log, info.Size())
	return nil
}

func (w *indexWalk) close() {
	if w.log != nil {
		w.heads.Close()
		_ = w.log.Close() // it was only read
	}
}

// add takes an entry. Those that are zero, up to the end, are room that Kafka has reserved.
func (w *indexWalk) add(e entry, isZero bool) error {
	if isZero {
		w.zeroes++
		w.zero = e
		return nil
	}
	for ; w.zeroes > 0; w.zeroes-- {
		if err := w.judge(w.zero); err != nil {
			return err
		}
	}
	return w.judge(e)
}

// end tells of what is zero at the end. One alone is an entry: of records from 1970.
func (w *indexWalk) end() error {
	switch {
	case w.zeroes == 1 && w.entries == 0:
		return w.judge(w.zero)
	case w.zeroes > 0:
		return w.say("room", Field{"entries", w.zeroes}, Field{"what", Words("zeroes up to the end: room")})
	}
	return nil
}

func (w *indexWalk) judge(e entry) error {
	w.entries++
	var wrong Words
	if err := w.check(e.key, e.value); err != nil {
		wrong = Words(err.Error())
	} else if e.key <= w.last.key || e.value < w.last.value {
		wrong = "it does not go on from the entry before it"
	}
	w.last = e
	fields := w.fields(e)
	if err := w.say("entry", fields...); err != nil || wrong == "" {
		return err
	}
	return w.fault(append(fields, Field{"what", wrong})...)
}
