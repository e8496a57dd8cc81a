package segment_test

import (
	"fmt"
	"testing"

	"flashq/slab"
)

// Who reads on where the last read ended gets what somebody gets who begins there, whatever lies between.
func TestReadingOn(t *testing.T) {
	l, _ := open(t, newDisk(), 1<<20)
	for round := range 2 { // batches that are copied, that are lent and that are larger than a read, over segments
		for _, records := range []int{1, 3, 2000, 1, 1600, 1700, 12_000, 1, 30_000, 400} {
			put(t, l, int64(1000*round), records)
		}
	}
	end := l.Next()
	for _, maxBytes := range []int{1, 1 << 10, 40 << 10, 64 << 10, 1 << 20} {
		for name, between := range map[string]func(v interface{ Rest() }, read int){
			"on":           func(interface{ Rest() }, int) {},
			"after a rest": func(v interface{ Rest() }, _ int) { v.Rest() },
			"after a rest or so": func(v interface{ Rest() }, read int) {
				if read%3 == 0 {
					v.Rest()
				}
			},
		} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, maxBytes), func(t *testing.T) {
				v := l.View(end)
				defer v.Close()
				from, buf := int64(0), slab.Get(64<<10)
				for read := 0; from < end; read++ {
					var err error
					if buf, err = v.Read(buf[:0], from, maxBytes); err != nil {
						t.Fatal(err)
					}
					recs := records(t, buf, from)
					wantDense(t, recs, from, from+int64(len(recs)))
					if len(recs) == 0 {
						t.Fatalf("nothing from %d", from)
					}
					from += int64(len(recs))
					between(v, read)
				}
				slab.Put(buf)
			})
		}
	}
}

// A read takes the batches that fit into its bound, and one if none does: what would be too much is not even read.
func TestReadStopsAtItsBound(t *testing.T) {
	l, _ := open(t, newDisk(), 16<<20)
	for range 4 {
		put(t, l, 0, 1000)
	}
	v := l.View(l.Next())
	defer v.Close()
	size := func(from int64) int {
		b, err := v.Read(nil, from, 1)
		if err != nil {
			t.Fatal(err)
		}
		return len(b)
	}
	one, two := size(0), size(0)+size(1000)
	for bound, want := range map[int]int{one - 1: 1000, one: 1000, two - 1: 1000, two: 2000, 1 << 20: 4000} {
		got, err := v.Read(nil, 0, bound)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(records(t, got, 0)); n != want {
			t.Errorf("%d records for %d bytes, want %d", n, bound, want)
		}
	}
}

// What is not to be seen yet does not come, also to one who brings room for it.
func TestReadStopsAtTheViewsEnd(t *testing.T) {
	l, _ := open(t, newDisk(), 16<<20)
	for range 4 {
		put(t, l, 0, 10)
	}
	v := l.View(20)
	defer v.Close()
	for _, room := range []int{0, 64 << 10} {
		got, err := v.Read(slab.Get(room), 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		wantDense(t, records(t, got, 0), 0, 20)
	}
}
