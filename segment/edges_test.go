package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// A second broker on a folder is refused, and told whose the folder is.
func TestAFolderIsLockedOnce(t *testing.T) {
	dir := t.TempDir()
	lock, err := segment.LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := segment.LockFolder(dir); err == nil || !strings.HasSuffix(err.Error(), fmt.Sprint(" is locked by pid ", os.Getpid())) {
		t.Errorf("locked twice: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	again, err := segment.LockFolder(dir)
	if err != nil {
		t.Fatalf("after a release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
	if _, err := segment.LockFolder(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if none := (*segment.Lock)(nil); none.Release() != nil {
		t.Error("no lock can't be released")
	}
}

// An index has 32 bits for an offset, counted from the segment's first one.
func TestASegmentEndsWhereItsIndexDoes(t *testing.T) {
	l, _ := open(t, newDisk(), 1000)
	if !l.Fits(5000, math.MaxInt64) {
		t.Error("a batch does not go into an empty segment")
	}
	put(t, l, 1, 2)
	left := 1000 - l.ActiveBytes()
	for _, c := range []struct {
		bytes, last int64
		fits        bool
	}{{left, 5, true}, {left + 1, 5, false}, {1, math.MaxInt32, true}, {1, math.MaxInt32 + 1, false}} {
		if l.Fits(c.bytes, c.last) != c.fits {
			t.Errorf("%+v", c)
		}
	}
	for asked, fits := range map[int64]int64{0: 1 << 30, -1: 1 << 30, 5000: 5000, math.MaxInt64: math.MaxInt32} {
		l.SetSegmentBytes(asked)
		if !l.Fits(fits-l.ActiveBytes(), 5) || l.Fits(fits-l.ActiveBytes()+1, 5) {
			t.Errorf("segments of %d bytes were asked for", asked)
		}
	}
}

// sized is a stamped batch of one record, so many bytes long.
func sized(base, ts int64, size int) batch.Batch {
	var b batch.Builder
	b.Add(ts, nil, nil)
	least := len(b.Finish())
	b = batch.Builder{}
	b.Add(ts, nil, bytes.Repeat([]byte{7}, size-least-4)) // lengths take up to two bytes more, each
	out := b.Finish()
	out.SetBaseOffset(base)
	return out
}

// However long damage is, the batch after it is found: none is overlooked where one read ends and the next begins.
func TestTheBatchAfterLongDamageIsFound(t *testing.T) {
	const window = 64 << 10
	for size := window - 90; size < window+20; size++ {
		fs := newDisk()
		l, _ := open(t, fs, 1<<20)
		for _, b := range []batch.Batch{sized(0, 1, size), encode(1, 1, 1), encode(2, 1, 1)} {
			if err := l.Append(at(1), []batch.Batch{b}, nil); err != nil {
				t.Fatal(err)
			}
		}
		spoiled := l.ActiveBytes() - 2*int64(len(encode(1, 1, 1)))
		if err := l.Close(true); err != nil {
			t.Fatal(err)
		}
		fs.SetBytes(active, append(make([]byte, spoiled), fs.Bytes(active)[spoiled:]...))
		l, _ = open(t, fs, 1<<20)
		v := l.View(l.Next())
		_, err := v.Read(nil, 0, 1)
		var damaged *segment.DamagedError
		if !errors.As(err, &damaged) || damaged.First != 0 || damaged.NextGood != 1 {
			t.Errorf("%d bytes are damaged: %v", spoiled, err)
		} else if got := err.Error(); !strings.Contains(got, "offset 0 is damaged") {
			t.Errorf("it says %q", got)
		}
		v.Close()
		_ = l.Abandon()
	}
}

// What a reader has already is no part of what it asks for.
func TestReadAppendsUpToItsBound(t *testing.T) {
	l, _ := open(t, newDisk(), 1<<20)
	for range 4 {
		put(t, l, 1, 1)
	}
	v := l.View(l.Next())
	defer v.Close()
	one := len(encode(0, 1, 1))
	have := bytes.Repeat([]byte("x"), 3*one)
	got, err := v.Read(slices.Clone(have), 0, 2*one)
	if err != nil || !bytes.HasPrefix(got, have) || len(records(t, got[len(have):], 0)) != 2 {
		t.Errorf("%d bytes after %d, %v", len(got)-len(have), len(have), err)
	}
}

// Several batches are one write.
func TestBatchesAreWrittenTogether(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	before := fs.Count(segmenttest.OpWrite)
	if err := l.Append(at(1), []batch.Batch{encode(0, 1, 2), encode(2, 1, 1), encode(3, 1, 4)}, nil); err != nil {
		t.Fatal(err)
	}
	if n := fs.Count(segmenttest.OpWrite) - before; n != 1 {
		t.Errorf("%d writes", n)
	}
	recs, _ := readAll(t, l, 0)
	wantDense(t, recs, 0, 7)
}

// When records arrived that were there before: by the file's time, unless a copy lost it, or it is of the future.
func TestArrivalOfWhatIsFound(t *testing.T) {
	const hour, now, steady = int64(3_600_000), int64(1_700_000_000_000), int64(50_000_000)
	for name, c := range map[string]struct{ record, file, want int64 }{
		"as written":                   {now - 3*hour, now - 2*hour, steady - 2*hour},
		"just now":                     {now - hour, now, steady},
		"a file of the future":         {now - 3*hour, now + 1, steady},
		"a copy without its time":      {now - 3*hour, 0, steady - 3*hour},
		"a record of the next hour":    {now - hour, now - 2*hour, steady - 2*hour},
		"later than that":              {now - hour + 1, now - 2*hour, steady - hour + 1},
		"a record of now":              {now, now - 2*hour, steady},
		"a record that is yet to come": {now + 1, now - 2*hour, steady - 2*hour},
	} {
		fs := newDisk()
		l, _ := open(t, fs, 1<<20)
		put(t, l, c.record, 1)
		if err := l.Seal(true).Run(); err != nil {
			t.Fatal(err)
		}
		if err := l.Roll(); err != nil {
			t.Fatal(err)
		}
		put(t, l, now-1000, 1)
		if err := l.Close(false); err != nil {
			t.Fatal(err)
		}
		fs.SetModTime(active, c.file)
		fs.SetModTime(dir+"/00000000000000000001.log", now)
		l, _, err := segment.Open(segment.Config{FS: fs, Dir: dir, Now: segment.Moment{Wall: now, Steady: steady}})
		if err != nil {
			t.Fatal(err)
		}
		if began, _ := l.ActiveBegan(); began != max(steady-1000, c.want) { // by its record, but not before the others
			t.Errorf("%s: the active segment began at %d", name, began)
		}
		for s := range l.Sealed() {
			if s.Arrived != c.want || s.End != 1 {
				t.Errorf("%s: arrived at %d, not %d; ends at %d", name, s.Arrived, c.want, s.End)
			}
		}
	}
}

// Indexes that a start finds no room for are written when there is.
func TestIndexesAreOwed(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 100)
	put(t, l, 1, 3)
	put(t, l, 2, 3) // in a segment of its own
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	whole := fs.Bytes(dir + "/00000000000000000000.timeindex")
	for _, suffix := range []string{"index", "timeindex"} {
		fs.SetBytes(dir+"/00000000000000000000."+suffix, nil)
	}
	fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
	l, r := open(t, fs, 100)
	if !errors.Is(r.Unwritten, syscall.ENOSPC) || !l.Owes() || l.Torn() {
		t.Fatalf("%+v, owes %v, torn %v", r, l.Owes(), l.Torn())
	}
	if err := l.Settle(); !errors.Is(err, syscall.ENOSPC) || !l.Owes() {
		t.Errorf("without room: %v", err)
	}
	fs.Heal()
	if err := l.Settle(); err != nil || l.Owes() {
		t.Errorf("with room: %v", err)
	}
	if got := fs.Bytes(dir + "/00000000000000000000.timeindex"); !bytes.Equal(got, whole) {
		t.Errorf("the time index is %q, was %q", got, whole)
	}
}

// A trim of nothing has nothing to do, and each segment ends where the next one begins.
func TestSealedSegmentsEndAtTheNext(t *testing.T) {
	l, _ := open(t, newDisk(), 100)
	for range 4 {
		put(t, l, 1, 3)
	}
	var ends []int64
	for s := range l.Sealed() {
		ends = append(ends, s.End)
	}
	if !slices.Equal(ends, []int64{3, 6, 9}) {
		t.Errorf("they end at %d", ends)
	}
	if job := l.Trim(0); !job.Empty() || l.Start() != 0 {
		t.Error("a trim of nothing has something to do")
	}
	if job := l.Trim(2); job.Empty() || l.Start() != 6 {
		t.Errorf("a trim of two segments leaves %d", l.Start())
	}
}

// A file is closed when nobody reads it any more, and not before: not while a reader goes on in a segment that was sealed.
func TestFilesAreOpenWhileTheyAreRead(t *testing.T) {
	disk, err := segment.NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fs := disk.Within(segment.Limits{Files: 12})
	if err := fs.Mkdir(dir); err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		l, _ := open(t, fs, 100)
		put(t, l, 1, 3)
		v := l.View(l.Next())
		if _, err := v.Read(nil, l.Next()-3, 1); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		put(t, l, 1, 3) // in the next segment
		if got, err := v.Read(nil, l.Next()-6, 1); err != nil || len(got) == 0 {
			t.Errorf("round %d: after the roll %d bytes, %v", round, len(got), err)
		}
		v.Close()
		if err := l.Close(true); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
