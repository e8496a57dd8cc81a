package segment_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

const notes = dir + "/00000000000000000000.keynotes"

// keyed is a batch of one key at an offset; what it holds says its time.
func keyed(key byte, base, ts int64) batch.Batch {
	b := encode(base, ts, 1)
	b.SetProducer(batch.KeyProducers+int64(key), 0, 0)
	return b
}

// digestOf is what a key stands for in these tests.
func digestOf(key byte) [16]byte { return [16]byte{key, 15: 1} }

func putKeyed(l *segment.Log, keys ...byte) error {
	var all []batch.Batch
	for i, key := range keys {
		b := keyed(key, l.Next()+int64(i), 7)
		l.Note(b, digestOf(key))
		all = append(all, b)
	}
	return l.Append(segment.Moment{}, all, nil)
}

// openNoted opens a log, and gives the keys whose digests it tells, in order.
func openNoted(t *testing.T, fs segment.FS) (*segment.Log, []byte) {
	t.Helper()
	var told []byte
	l, r, err := segment.Open(segment.Config{
		FS: fs, Dir: dir, SegmentBytes: 1 << 20, See: func(batch.Batch) {},
		Noted: func(id int64, digest [16]byte) {
			if told = append(told, byte(id)); digest != digestOf(byte(id)) {
				t.Errorf("key %d: digest %x", id, digest)
			}
		},
	})
	if err != nil || r.Producers != nil {
		t.Fatal(err, r.Producers)
	}
	return l, told
}

// What stands beside a segment is told of those batches that are in it, whatever happened to both files.
func TestNotesCountWithTheirBatches(t *testing.T) {
	for _, row := range []struct {
		what string
		do   func(t *testing.T, fs *segmenttest.FS, l *segment.Log)
		want []byte
	}{
		{"whole", func(*testing.T, *segmenttest.FS, *segment.Log) {}, []byte{1, 2, 3}},
		{"torn", func(_ *testing.T, fs *segmenttest.FS, _ *segment.Log) {
			fs.SetBytes(notes, fs.Bytes(notes)[:3*40-1])
		}, []byte{1, 2}},
		{"damaged", func(_ *testing.T, fs *segmenttest.FS, _ *segment.Log) {
			p := fs.Bytes(notes)
			p[40+25] ^= 1
			fs.SetBytes(notes, p)
		}, []byte{1, 3}},
		{"gone", func(_ *testing.T, fs *segmenttest.FS, _ *segment.Log) { fs.SetBytes(notes, nil) }, nil},
		{"more than there are batches", func(_ *testing.T, fs *segmenttest.FS, _ *segment.Log) {
			fs.SetBytes(notes, append(fs.Bytes(notes), make([]byte, 1<<20)...))
		}, []byte{1, 2, 3}},
		{"the write failed", func(t *testing.T, fs *segmenttest.FS, l *segment.Log) {
			for range 3 {
				fs.FailNamed(segmenttest.OpWrite, ".log", 1, syscall.ENOSPC)
				if putKeyed(l, 4) == nil {
					t.Fatal("no error")
				}
			}
			if n := len(fs.Bytes(notes)); n != 4*40 {
				t.Errorf("each try writes on, up to %d bytes", n)
			}
		}, []byte{1, 2, 3}},
		{"another batch is there instead", func(t *testing.T, fs *segmenttest.FS, l *segment.Log) {
			fs.FailNamed(segmenttest.OpWrite, ".log", 1, syscall.ENOSPC)
			if putKeyed(l, 4) == nil {
				t.Fatal("no error")
			}
			fs.FailNamed(segmenttest.OpWrite, ".keynotes", 1, syscall.ENOSPC)
			b := keyed(4, l.Next(), 8)
			l.Note(b, digestOf(5))
			if err := l.Append(segment.Moment{}, []batch.Batch{b}, nil); err != nil {
				t.Fatal(err)
			}
		}, []byte{1, 2, 3}},
	} {
		fs := newDisk()
		l, _ := openNoted(t, fs)
		put(t, l, 5, 2)
		for _, keys := range [][]byte{{1, 2}, {3}} {
			if err := putKeyed(l, keys...); err != nil {
				t.Fatal(err)
			}
		}
		row.do(t, fs, l)
		fs = fs.Kill()
		l, told := openNoted(t, fs)
		if !slices.Equal(told, row.want) {
			t.Errorf("%s: told of %v, want %v", row.what, told, row.want)
		}
		if err := putKeyed(l, 9); err != nil {
			t.Fatal(err)
		}
		if _, again := openNoted(t, fs.Kill()); !slices.Equal(again, append(told, 9)) {
			t.Errorf("%s: after one more told of %v", row.what, again)
		}
	}
}

// Notes of a segment that has ended are there for those who walk it, until they or the segment are removed.
func TestNotesOfSealedSegments(t *testing.T) {
	fs := newDisk()
	l, _ := openNoted(t, fs)
	for _, key := range []byte{1, 2} {
		if err := putKeyed(l, key); err != nil {
			t.Fatal(err)
		}
		if err := l.Seal(true).Run(); err != nil {
			t.Fatal(err)
		}
		if got := l.Ended(); got != int64(key) {
			t.Errorf("while it is sealed all ends before %d", got)
		}
		if err := l.Roll(); err != nil {
			t.Fatal(err)
		}
	}
	l, told := openNoted(t, fs.Kill())
	for s := range l.Sealed() {
		err := l.Walk(s, func(batch.Batch) {}, func(id int64, _ [16]byte) { told = append(told, byte(id)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told, []byte{1, 2}) || !l.HasNotes() || l.Ended() != 2 {
		t.Errorf("told of %v, has notes: %v, ended before %d", told, l.HasNotes(), l.Ended())
	}
	l, _ = openNoted(t, fs)
	if err := l.Trim(1).Run(); err != nil {
		t.Fatal(err)
	}
	want := []string{dir + "/00000000000000000001.keynotes"}
	if got := fs.Names(".keynotes"); !cmp.Equal(got, want) {
		t.Errorf("after retention: %v", got)
	}
	if err := segment.RemoveNotes(fs, dir, 1); err != nil || !cmp.Equal(fs.Names(".keynotes"), want) {
		t.Errorf("below 1: %v %v", fs.Names(".keynotes"), err)
	}
	if err := segment.RemoveNotes(fs, dir, 2); err != nil || len(fs.Names(".keynotes")) > 0 {
		t.Errorf("below 2: %v %v", fs.Names(".keynotes"), err)
	}
}

func TestCheckNotes(t *testing.T) {
	fs := newDisk()
	l, _ := openNoted(t, fs)
	if err := putKeyed(l, 1, 2); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	whole := fs.Bytes(notes)
	for _, row := range []struct {
		name string
		do   func()
		want []string
	}{
		{"whole", func() {}, nil},
		{"torn", func() { fs.SetBytes(notes, whole[:50]) }, nil},
		{"damaged", func() { fs.SetBytes(notes, append(slices.Clone(whole[:40]), make([]byte, 40)...)) }, []string{notes}},
		{"of no log", func() {
			fs.SetBytes(notes, nil)
			fs.SetBytes(dir+"/00000000000000000001.keynotes", whole)
		}, []string{dir + "/00000000000000000001.keynotes"}},
	} {
		row.do()
		var got []string
		segment.Check{FS: fs, Dir: dir, Clean: true, Found: func(f segment.Fault) {
			if got = append(got, f.Name); f.Lost {
				t.Errorf("%s: %+v", row.name, f)
			}
		}}.Run()
		if !cmp.Equal(got, row.want) {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
