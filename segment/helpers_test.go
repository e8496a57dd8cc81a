package segment_test

import (
	"errors"
	"fmt"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

const dir = "t-0"

// rec is one record as a reader sees it.
type rec struct {
	offset, ts int64
	value      string
}

func newDisk() *segmenttest.FS {
	fs := segmenttest.New()
	_ = fs.Mkdir(dir)
	return fs
}

func open(t testing.TB, fs segment.FS, segmentBytes int64) (*segment.Log, segment.Report) {
	t.Helper()
	l, r, err := segment.Open(segment.Config{FS: fs, Dir: dir, SegmentBytes: segmentBytes})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l, r
}

// encode makes one stamped batch of n records whose values say their offsets.
func encode(base, ts int64, n int) batch.Batch {
	var b batch.Builder
	for i := range n {
		b.Add(ts+int64(i), []byte("key"), fmt.Appendf(nil, "value-%d", base+int64(i)))
	}
	out := b.Finish()
	out.SetBaseOffset(base)
	return out
}

// put appends one batch of n records at a time ts, rolling where needed.
func put(t testing.TB, l *segment.Log, ts int64, n int) {
	t.Helper()
	if err := tryPut(l, ts, n); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func tryPut(l *segment.Log, ts int64, n int) error {
	b := encode(l.Next(), ts, n)
	if !l.Fits(int64(len(b)), b.LastOffset()) {
		if err := l.Seal(true).Run(); err != nil {
			l.Unseal()
			return err
		}
		if err := l.Roll(); err != nil {
			l.Unseal()
			return err
		}
	}
	return l.Append(at(ts), []batch.Batch{b}, nil)
}

// readAll reads from an offset to the end, going on after damage as a client would.
func readAll(t testing.TB, l *segment.Log, from int64) (recs []rec, damaged []segment.DamagedError) {
	t.Helper()
	return readInto(t, l, from, nil)
}

// readInto is readAll by one who brings room.
func readInto(t testing.TB, l *segment.Log, from int64, room []byte) (recs []rec, damaged []segment.DamagedError) {
	t.Helper()
	v := l.View(l.Next())
	defer v.Close()
	for from = max(from, v.Start()); from < v.End(); {
		data, err := v.Read(room[:0], from, 500)
		var d *segment.DamagedError
		if errors.As(err, &d) {
			if d.First < from || d.NextGood <= d.First {
				t.Fatalf("damage %d to %d while reading at %d", d.First, d.NextGood, from)
			}
			damaged = append(damaged, *d)
			from = d.NextGood
			continue
		}
		if err != nil {
			t.Fatalf("read at %d: %v", from, err)
		}
		got := records(t, data, from)
		if len(got) == 0 {
			t.Fatalf("read at %d of %d: nothing", from, v.End())
		}
		recs = append(recs, got...)
		from = got[len(got)-1].offset + 1
	}
	return recs, damaged
}

// fataler is what testing.TB and rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// records lists what batches hold from an offset on; the values say their offsets.
func records(t fataler, data []byte, from int64) (recs []rec) {
	t.Helper()
	for len(data) > 0 {
		b, rest, err := batch.Next(data)
		if err != nil {
			t.Fatalf("batch: %v", err)
		}
		it := b.Records()
		for it.Next() {
			if o := b.BaseOffset() + int64(it.Record.OffsetDelta); o >= from {
				if string(it.Record.Value) != fmt.Sprintf("value-%d", o) {
					t.Fatalf("offset %d has %q", o, it.Record.Value)
				}
				recs = append(recs, rec{o, b.BaseTimestamp() + it.Record.TimestampDelta, string(it.Record.Value)})
			}
		}
		if it.Err() != nil {
			t.Fatalf("records: %v", it.Err())
		}
		data = rest
	}
	return recs
}

// wantDense checks that recs are exactly the offsets [from, to), each with its own value.
func wantDense(t testing.TB, recs []rec, from, to int64) {
	t.Helper()
	if int64(len(recs)) != to-from {
		t.Fatalf("%d records, want %d to %d", len(recs), from, to)
	}
	for i, r := range recs {
		if want := from + int64(i); r.offset != want || r.value != fmt.Sprintf("value-%d", want) {
			t.Fatalf("record %d is %+v", want, r)
		}
	}
}

// at is a moment at which both clocks tell the same.
func at(millis int64) segment.Moment { return segment.Moment{Wall: millis, Steady: millis} }
