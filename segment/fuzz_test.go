package segment_test

import (
	"slices"
	"testing"

	"flashq/segment"
)

// FuzzRecovery opens a log whose one file is three whole batches and then any bytes, cut anywhere: never a panic; what was
// whole and stands before the cut is served as it was written; a second start finds what the first one left; and the log
// takes records again.
func FuzzRecovery(f *testing.F) {
	whole := filled(f, 3).Bytes(dir + "/00000000000000000000.log")
	next := encode(9, 100, 3)
	for _, tail := range [][]byte{
		nil, next[:1], next[:61], next[:len(next)-1], next, append(next[:len(next):len(next)], next...),
		make([]byte, 5000), {0, 0, 0, 0, 0, 0, 0, 9, 0x7f, 0xff, 0xff, 0xff}, whole[:200],
	} {
		f.Add(tail, uint16(0), false)
	}
	f.Add(whole, uint16(7), true)
	f.Fuzz(func(t *testing.T, tail []byte, cut uint16, powerCut bool) {
		if len(tail) > 1<<16 {
			return
		}
		file := slices.Concat(whole, tail)
		file = file[:len(file)-int(cut)%len(file)]
		fs := newDisk()
		fs.SetBytes(dir+"/00000000000000000000.log", file)
		l, _, err := segment.Open(segment.Config{FS: fs, Dir: dir, PowerCut: powerCut})
		if err != nil {
			t.Fatal(err)
		}
		kept := min(int64(len(file)*9/len(whole)), 9) / 3 * 3 // whole batches before the cut, of three records each
		served(t, l, kept)
		end := l.Next()
		if err := l.Abandon(); err != nil {
			t.Fatal(err)
		}
		l, r, err := segment.Open(segment.Config{FS: fs, Dir: dir, PowerCut: powerCut})
		if err != nil || l.Next() != end || r.CutBytes != 0 {
			t.Fatalf("the second start ends at %d, cut %d, %v; the first ended at %d", l.Next(), r.CutBytes, err, end)
		}
		put(t, l, 500, 2)
		v := l.View(l.Next())
		defer v.Close()
		data, err := v.Read(nil, end, 1<<20)
		if err != nil || len(records(t, data, end)) != 2 {
			t.Fatalf("what was appended at %d is not there: %v", end, err)
		}
	})
}

// served wants the first records as they were written.
func served(t *testing.T, l *segment.Log, first int64) {
	t.Helper()
	if first == 0 {
		return
	}
	v := l.View(l.Next())
	defer v.Close()
	data, err := v.Read(nil, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got := records(t, data, 0)
	if int64(len(got)) < first {
		t.Fatalf("%d records, %d were whole", len(got), first)
	}
	wantDense(t, got[:first], 0, first)
}
