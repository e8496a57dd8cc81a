package segment_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// stepped is a log of four segments that hold offsets 0 to 5, 6 to 11, 12 to 17 and 18 to 20, each record at a time of its
// own.
func stepped(t testing.TB) (*segmenttest.FS, *segment.Log) {
	t.Helper()
	fs := newDisk()
	l, _ := open(t, fs, 250)
	for i := range int64(7) {
		put(t, l, 100+3*i, 3)
	}
	if got := strings.Join(fs.Names(".log"), " "); !strings.HasSuffix(got, "00018.log") || l.Segments() != 4 {
		t.Fatalf("segments %s", got)
	}
	return fs, l
}

func openFrom(t testing.TB, fs *segmenttest.FS, start int64, powerCut bool) (*segment.Log, segment.Report) {
	t.Helper()
	l, r, err := segment.Open(segment.Config{FS: fs, Dir: dir, SegmentBytes: 250, LogStart: start, PowerCut: powerCut})
	if err != nil {
		t.Fatalf("open from %d: %v", start, err)
	}
	return l, r
}

// A log begins where it was said to, whatever files are there: those before it go, if a segment begins there, and what
// is in the same segment is not seen.
func TestLogStart(t *testing.T) {
	for _, row := range []struct {
		said     int64
		powerCut bool
		start    int64
		next     int64
		first    int64 // the first segment that stays
	}{
		{0, false, 0, 21, 0},
		{6, false, 6, 21, 6},
		{12, true, 12, 21, 12},
		{18, false, 18, 21, 18},
		{1, false, 1, 21, 0},
		{13, false, 13, 21, 0},
		{20, false, 20, 21, 0},
		{21, false, 21, 21, 21}, // all of it was to go
		{30, true, 30, 30, 30},  // the end was lost
		{30, false, 0, 21, 0},   // nothing was lost, so this is not true
	} {
		t.Run(fmt.Sprint(row), func(t *testing.T) {
			fs, l := stepped(t)
			if err := l.Close(true); err != nil {
				t.Fatal(err)
			}
			l, r := openFrom(t, fs, row.said, row.powerCut)
			for _, again := range []bool{false, true} {
				if l.Start() != row.start || l.Next() != row.next || r.Records != row.next-row.start || r.Damage != nil {
					t.Fatalf("%v: from %d to %d, %+v", again, l.Start(), l.Next(), r)
				}
				if first := fs.Names(".log")[0]; first != fmt.Sprintf("%s/%020d.log", dir, row.first) || r.Stays != nil {
					t.Errorf("%v: the first file is %s, %v", again, first, r.Stays)
				}
				if r.StartBeyond != (row.said > row.next) {
					t.Errorf("%v: beyond %v", again, r.StartBeyond)
				}
				recs, _ := readAll(t, l, 0)
				wantDense(t, recs, row.start, row.next)
				findFrom(t, l, recs)
				_ = l.Abandon()
				l, r = openFrom(t, fs.Kill(), row.said, false)
			}
			put(t, l, 900, 2)
			recs, _ := readAll(t, l, 0)
			wantDense(t, recs, row.start, row.next+2)
		})
	}
}

// findFrom wants each time to lead to the first record that is seen and not older.
func findFrom(t *testing.T, l *segment.Log, recs []rec) {
	t.Helper()
	v := l.View(l.Next())
	defer v.Close()
	for millis := int64(99); millis < 123; millis++ {
		i := slices.IndexFunc(recs, func(r rec) bool { return r.ts >= millis })
		offset, ts, ok, err := v.Find(segment.TimeSearch{Millis: millis})
		if err != nil || ok != (i >= 0) || ok && (offset != recs[i].offset || ts != recs[i].ts) {
			t.Fatalf("find %d: %d at %d, %v %v; want record %d of %v", millis, offset, ts, ok, err, i, recs)
		}
	}
}

// With no file left, a log goes on where it was: an offset is not given out twice.
func TestLogStartOfAnEmptyFolder(t *testing.T) {
	l, _ := openFrom(t, newDisk(), 57, false)
	if l.Start() != 57 || l.Next() != 57 {
		t.Fatalf("from %d to %d", l.Start(), l.Next())
	}
}

// Whatever of a trim went wrong or was cut short is done by the next cleanup, or the next start, index files without
// their log too.
func TestTrimIsFinishedLater(t *testing.T) {
	for nth := 1; nth <= 9; nth++ {
		fs, l := stepped(t)
		if err := l.SyncJob().Run(); err != nil {
			t.Fatal(err)
		}
		fs.Fail(segmenttest.OpRemove, nth, errDisk)
		if err := l.Trim(3).Run(); !errors.Is(err, errDisk) {
			t.Fatalf("%d: %v", nth, err)
		}
		for _, disk := range []*segmenttest.FS{fs.Kill(), fs.Crash(nil), fs.Crash(rand.New(rand.NewPCG(7, uint64(nth))))} {
			again, r := openFrom(t, disk, 18, false)
			if again.Start() != 18 || r.Stays != nil {
				t.Errorf("%d: start %d, %v", nth, again.Start(), r.Stays)
			}
			wantOnly(t, disk, 18)
		}
		if err := l.Cleanup().Run(); err != nil {
			t.Fatal(err)
		}
		wantOnly(t, fs, 18)
	}
}

// wantOnly wants the active segment, which begins at an offset, and no file of a segment before it.
func wantOnly(t *testing.T, fs *segmenttest.FS, base int64) {
	t.Helper()
	for suffix, most := range map[string]int{".log": 1, ".index": 0, ".timeindex": 0} { // those come with its end
		if names := fs.Names(suffix); len(names) != most || most > 0 && names[0] != fmt.Sprintf("%s/%020d%s", dir, base, suffix) {
			t.Errorf("left are %v", names)
		}
	}
}

// A start cleans up index files whose log is gone, at the front of the log alone, and touches nothing else.
func TestOrphanedIndexes(t *testing.T) {
	fs, l := stepped(t)
	if err := l.Trim(2).Run(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"00000000000000000000.index", "00000000000000000006.timeindex", "00000000000000000015.index", "0000000000000006.index",
		"00000000000000000003.index.old", "00000000000000000003-40.broken", "notes.txt",
	} {
		fs.SetBytes(dir+"/"+name, []byte("x"))
	}
	if _, r := openFrom(t, fs, 0, false); r.Stays != nil {
		t.Fatal(r.Stays)
	}
	for name, there := range map[string]bool{
		"00000000000000000000.index": false, "00000000000000000006.timeindex": false, "00000000000000000012.index": true,
		"00000000000000000015.index": true, "0000000000000006.index": true, "00000000000000000003.index.old": true,
		"00000000000000000003-40.broken": true, "notes.txt": true,
	} {
		if slices.Contains(fs.Names(""), dir+"/"+name) != there {
			t.Errorf("%s is there: %v", name, !there)
		}
	}
}

// What can't be removed at a start is not seen, and said.
func TestFilesThatStay(t *testing.T) {
	fs, l := stepped(t)
	_ = l.Abandon()
	fs.FailFrom(segmenttest.OpRemove, 1, errDisk)
	again, r := openFrom(t, fs, 12, false)
	if again.Start() != 12 || !errors.Is(r.Stays, errDisk) {
		t.Errorf("start %d, %v", again.Start(), r.Stays)
	}
}

// The checkpoint of log starts is Kafka's, byte for byte, and durable when it is stored.
func TestLogStartsAreKafkas(t *testing.T) {
	fs := segmenttest.New()
	if starts, err := segment.LoadLogStarts(fs); starts != nil || err != nil {
		t.Errorf("without a file: %v %v", starts, err)
	}
	starts := []segment.LogStart{{"news", 10, 7}, {"news", 2, segment.MaxOffset}, {"a.b_c-1", 0, 12}}
	if err := segment.StoreLogStarts(fs, starts); err != nil {
		t.Fatal(err)
	}
	fs = fs.Crash(nil)
	want := "0\n3\na.b_c-1 0 12\nnews 2 9223372034707292159\nnews 10 7\n"
	if got := string(fs.Bytes("log-start-offset-checkpoint")); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, err := segment.LoadLogStarts(fs); err != nil || !slices.Equal(got, starts) {
		t.Errorf("%v %v", got, err)
	}
}

// What makes no sense is an error, beside as much as does; it can be kept as often as that happens.
func TestLogStartsThatMakeNoSense(t *testing.T) {
	fs := segmenttest.New()
	for i, row := range []struct {
		text  string
		whole int
	}{
		{"", 0}, {"0", 0}, {"\x00\x00\x00\x00", 0}, {"1\n1\na 0 5\n", 0}, {"0\n1\n", 0}, {"0\n2\na 0 5\n", 1}, {"0\n1\na 0 5\nb 0 5\n", 2},
		{"0\n2\na 0 5\nb 0\n", 1}, {"0\n2\na 0 5\nb 0 five\n", 1}, {"0\n2\na 0 5\nb -1 5\n", 1}, {"0\n2\na 0 5\nb 0 -5\n", 1},
		{"0\n2\na 0 5\nb 0 9223372036854775807\n", 1}, {"0\n2\na 0 5\nb 0 99999999999999999999\n", 1}, {"0\n2\na 0 5\n 0 5\n", 1},
	} {
		fs.SetBytes("log-start-offset-checkpoint", []byte(row.text))
		if starts, err := segment.LoadLogStarts(fs); !errors.Is(err, segment.ErrNotALogStart) || len(starts) != row.whole {
			t.Errorf("%q: %v %v", row.text, starts, err)
		}
		name, err := segment.KeepLogStarts(fs)
		if got := string(fs.Bytes(name)); err != nil || got != row.text || len(fs.Names(".broken")) != i+1 {
			t.Errorf("kept as %q: %q %v", name, got, err)
		}
	}
	fs.SetBytes("log-start-offset-checkpoint", []byte("0\n0\n"))
	fs.Fail(segmenttest.OpOpen, 1, errDisk)
	if _, err := segment.LoadLogStarts(fs); !errors.Is(err, errDisk) {
		t.Errorf("a file that can't be opened: %v", err)
	}
}

// A tail that is torn again at the same place is kept beside the first one.
func TestEveryTornTailIsKept(t *testing.T) {
	fs := filled(t, 2)
	whole := fs.Bytes(active)
	var kept []string
	for i := range 3 {
		tail := []byte(fmt.Sprint("torn ", i))
		fs.SetBytes(active, append(slices.Clone(whole), tail...))
		l, r := open(t, fs, 1<<20)
		_ = l.Abandon()
		kept = append(kept, string(tail))
		var got []string
		for _, name := range fs.Names(".broken") {
			got = append(got, string(fs.Bytes(name)))
		}
		slices.Sort(got)
		if !slices.Equal(got, kept) || string(fs.Bytes(r.Broken)) != string(tail) {
			t.Fatalf("kept %q, the last one as %s", got, r.Broken)
		}
	}
}

// A torn tail is cut only once its copy is durable; half a copy does not stay.
func TestTornTailIsKeptBeforeItIsCut(t *testing.T) {
	for _, op := range []segmenttest.Op{segmenttest.OpWrite, segmenttest.OpSync, segmenttest.OpSyncDir} {
		fs := filled(t, 2)
		whole := fs.Bytes(active)
		fs.SetBytes(active, append(slices.Clone(whole), "torn"...))
		fs.Fail(op, 1, syscall.ENOSPC)
		l, r, err := segment.Open(segment.Config{FS: fs, Dir: dir})
		if err != nil || !errors.Is(r.Unwritten, syscall.ENOSPC) || !l.Torn() || len(fs.Bytes(active)) != len(whole)+4 {
			t.Fatalf("%s fails: %v, %+v, %d bytes left", op, err, r, len(fs.Bytes(active)))
		}
		if err := l.Append(segment.Moment{}, []batch.Batch{encode(l.Next(), 1, 1)}, nil); err == nil {
			t.Errorf("%s fails: a torn tail was written over", op)
		}
		_ = l.Abandon()
		if _, r := open(t, fs, 1<<20); len(fs.Names(".broken")) > 2 {
			t.Errorf("%s fails: %v, %+v", op, fs.Names(".broken"), r)
		}
		if names := fs.Crash(nil).Names(".broken"); len(names) == 0 || string(fs.Crash(nil).Bytes(names[0])) != "torn" {
			t.Errorf("%s fails: a power cut leaves %v", op, names)
		}
	}
}

// Offsets that could not be counted on from are refused, not wrapped.
func TestOffsetsNearTheEndOfNumbers(t *testing.T) {
	for _, base := range []int64{segment.MaxOffset + 1, math.MaxInt64} {
		for _, suffix := range []string{"log", "index"} {
			fs := filled(t, 1)
			fs.SetBytes(fmt.Sprintf("%s/%020d.%s", dir, base, suffix), []byte{})
			_, _, err := segment.Open(segment.Config{FS: fs, Dir: dir})
			if want := fmt.Sprintf("%020d", base); (suffix == "log") != (err != nil) || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%d.%s: %v", base, suffix, err)
			}
		}
	}
	l, _ := openFrom(t, newDisk(), segment.MaxOffset-5, false)
	put(t, l, 1, 5)
	for n := 1; n <= 2; n++ {
		if err := tryPut(l, 1, n); err == nil || l.Next() != segment.MaxOffset {
			t.Errorf("append of %d at the end of numbers: %v, next %d", n, err, l.Next())
		}
	}
	recs, damaged := readAll(t, l, 0)
	if len(recs) != 5 || damaged != nil {
		t.Errorf("%v %v", recs, damaged)
	}
	for _, base := range []int64{-1, math.MaxInt64 - 1, math.MaxInt64} {
		if b := encode(base, 1, 2); b.Check() == nil {
			t.Errorf("a batch at %d passes", base)
		}
	}
}
