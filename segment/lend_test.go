package segment_test

import (
	"bytes"
	"fmt"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
)

// lentLog is a log in memory of four segments with batches of 20 kB, and its bytes from an offset on.
func lentLog(t *testing.T, fs segment.FS) *segment.Log {
	t.Helper()
	_ = fs.Mkdir(dir)
	l, _ := open(t, fs, 200_000)
	for i := range 40 {
		b := sized(l.Next(), int64(i), 20_000)
		if !l.Fits(int64(len(b)), b.LastOffset()) {
			roll(t, l)
		}
		if err := l.Append(at(1), []batch.Batch{b}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// lendAll borrows everything from an offset on, as far as n batches.
func lendAll(v *segment.View, from int64, n int) (lent []segment.Lent, next int64) {
	for from < v.End() && n > 0 {
		before := n
		more, next := v.Lend(from, func(batch.Batch, int) bool {
			n--
			return n >= 0
		})
		lent, from = append(lent, more...), next
		if n == before {
			break
		}
	}
	return lent, from
}

func joined(lent []segment.Lent) (all []byte) {
	for i := range lent {
		all = append(all, lent[i].Bytes...)
	}
	return all
}

// What is lent is what a Read gives, from any offset on, over segments and slabs.
func TestLentIsWhatIsRead(t *testing.T) {
	l := lentLog(t, segment.NewMemory(0))
	v := l.View(l.Next() - 1)
	defer v.Close()
	for _, row := range []struct {
		from int64
		n    int
	}{{0, 40}, {0, 1}, {7, 5}, {15, 9}, {38, 40}, {40, 1}} {
		lent, next := lendAll(v, row.from, row.n)
		got := joined(lent)
		want, err := v.Read(nil, row.from, max(len(got), 1))
		if row.from >= v.End() {
			want = nil
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d from %d: %d bytes, read are %d: %v", row.n, row.from, len(got), len(want), err)
		}
		if most := min(row.from+int64(row.n), v.End()); row.from < v.End() && next != most {
			t.Errorf("%d from %d: next is %d", row.n, row.from, next)
		}
		for i := range lent {
			lent[i].Release()
		}
	}
}

// A borrower keeps what it borrowed when the file goes, though nobody counts it there any more; once given back, it is
// used again.
func TestLentOutlastsItsFile(t *testing.T) {
	fs := segment.NewMemory(0)
	l := lentLog(t, fs)
	v := l.View(l.Next())
	lent, _ := lendAll(v, 0, 12)
	v.Close()
	before := joined(lent)
	if err := l.Trim(l.Segments() - 1).Run(); err != nil {
		t.Fatal(err)
	}
	held := fs.Used()
	for i := range 100 { // takes every slab that is free
		f, err := fs.Create(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for at := range int64(9) {
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, 20_000), 20_000*at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(joined(lent), before) {
		t.Error("what was lent changed when its file had gone")
	}
	for i := range lent {
		lent[i].Release()
	}
	if used := fs.Used(); held > 300_000 || used < 100*180_000 {
		t.Errorf("%d bytes were counted when the file had gone, %d at the end", held, used)
	}
}

// Files lend nothing, nor does memory where batches are small: those are read.
func TestWhatIsNotLent(t *testing.T) {
	disk, err := segment.NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	small := segment.NewMemory(0)
	_ = small.Mkdir(dir)
	l, _ := open(t, small, 1<<20)
	put(t, l, 0, 20)
	for name, l := range map[string]*segment.Log{"disk": lentLog(t, disk), "small": l} {
		v := l.View(l.Next())
		lent, next := v.Lend(3, func(batch.Batch, int) bool { t.Errorf("%s: one was admitted", name); return true })
		if len(lent) > 0 || next != 3 {
			t.Errorf("%s: %d pieces, next %d", name, len(lent), next)
		}
		v.Close()
	}
}
