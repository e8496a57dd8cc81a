package segment_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"flashq/segment/batch"
	"flashq/segment/segmenttest"
	"flashq/slab"

	"flashq/segment"
)

const active = dir + "/00000000000000000000.log"

// TestTornTail spoils the end of the one file of a log of four batches of three records, as crashes do.
func TestTornTail(t *testing.T) {
	last := len(encode(9, 9, 3))
	all := len(filled(t, 4).Bytes(active))
	rows := []struct {
		name   string
		spoil  func(log []byte) []byte
		next   int64 // where writing goes on
		broken int   // bytes that are cut off and kept
	}{
		{"whole", func(p []byte) []byte { return p }, 12, 0},
		{"one byte short", func(p []byte) []byte { return p[:len(p)-1] }, 9, last - 1},
		{"only the last header", func(p []byte) []byte { return p[:len(p)-last+61] }, 9, 61},
		{"one byte of a header", func(p []byte) []byte { return p[:len(p)-last+1] }, 9, 1},
		{"zeroes after", func(p []byte) []byte { return append(p, make([]byte, 5000)...) }, 12, 5000},
		{"garbage after", func(p []byte) []byte { return append(p, bytes.Repeat([]byte{0xa7}, 100)...) }, 12, 100},
		{"twos after", func(p []byte) []byte { return append(p, bytes.Repeat([]byte{2}, 200)...) }, 12, 200},
		{"all gone", func([]byte) []byte { return []byte{} }, 0, 0},
		{"all zero", func(p []byte) []byte { return make([]byte, len(p)) }, 0, all},
		{"last batch zeroed", func(p []byte) []byte {
			clear(p[len(p)-last:])
			return p
		}, 9, last},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fs := filled(t, 4)
			fs.SetBytes(active, row.spoil(fs.Bytes(active)))
			l, r := open(t, fs, 1<<20)
			if l.Next() != row.next || r.CutBytes != int64(row.broken) || len(r.Damage) != 0 {
				t.Fatalf("next %d, report %+v", l.Next(), r)
			}
			if row.broken > 0 && len(fs.Bytes(r.Broken)) != row.broken {
				t.Errorf("%q keeps %d bytes", r.Broken, len(fs.Bytes(r.Broken)))
			}
			put(t, l, 100, 2)
			recs, _ := readAll(t, l, 0)
			wantDense(t, recs, 0, row.next+2)
		})
	}
}

// filled is a clean log of so many batches of three records.
func filled(t testing.TB, batches int) *segmenttest.FS {
	t.Helper()
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	for i := range batches {
		put(t, l, int64(i), 3)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	return fs
}

// TestCutAtEveryByte: what comes back is the longest whole prefix, exactly.
func TestCutAtEveryByte(t *testing.T) {
	whole := filled(t, 6).Bytes(active)
	var ends []int
	for p := whole; len(p) > 0; {
		b, rest, err := batch.Next(p)
		if err != nil {
			t.Fatal(err)
		}
		ends, p = append(ends, len(whole)-len(rest)), rest
		_ = b
	}
	for cut := ends[2]; cut <= len(whole); cut++ {
		fs := filled(t, 6)
		fs.SetBytes(active, whole[:cut])
		l, _ := open(t, fs, 1<<20)
		want := int64(0)
		for _, end := range ends {
			if end <= cut {
				want += 3
			}
		}
		recs, damaged := readAll(t, l, 0)
		if len(damaged) > 0 || l.Next() != want {
			t.Fatalf("cut at %d: next %d want %d, damage %v", cut, l.Next(), want, damaged)
		}
		wantDense(t, recs, 0, want)
	}
}

// TestFlipAtEveryByte spoils a log of three segments: a record comes back as sent, or an error names it; and nothing
// else is lost. Opened with and without the checkpoint, the answer is the same.
func TestFlipAtEveryByte(t *testing.T) {
	clean := newDisk()
	l, _ := open(t, clean, 700)
	for i := range 18 {
		put(t, l, int64(100+i), 2)
	}
	end := l.Next()
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	logs := clean.Names(".log")
	if len(logs) < 3 {
		t.Fatalf("%d segments", len(logs))
	}
	for _, name := range logs {
		whole := clean.Bytes(name)
		for at := range whole {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				spoilt := slices.Clone(whole)
				spoilt[at] ^= flip
				for _, checkpoint := range []bool{true, false} {
					fs := clean.Kill()
					fs.SetBytes(name, spoilt)
					if !checkpoint {
						fs.SetBytes(dir+"/segments.checkpoint", nil)
					}
					checkFlip(t, fs, end, fmt.Sprintf("%s byte %d ^ %#x checkpoint %v", name, at, flip, checkpoint))
				}
			}
		}
	}
}

func checkFlip(t *testing.T, fs *segmenttest.FS, end int64, what string) {
	t.Helper()
	l, _, err := segment.Open(segment.Config{FS: fs, Dir: dir, SegmentBytes: 700})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if l.Next() != end && l.Next() != end-2 { // a header that can't be told from a torn write costs the last batch
		t.Fatalf("%s: next offset %d, was %d", what, l.Next(), end)
	}
	recs, damaged := readAll(t, l, 0)
	room := slab.Get(64 << 10)
	if r, d := readInto(t, l, 0, room); !slices.Equal(r, recs) || !slices.Equal(d, damaged) {
		t.Fatalf("%s: who brings room gets %v, %v, not %v, %v", what, r, d, recs, damaged)
	}
	slab.Put(room)
	next := int64(0)
	for _, r := range recs {
		for len(damaged) > 0 && damaged[0].First == next {
			next = damaged[0].NextGood
			damaged = damaged[1:]
		}
		if r.offset != next || r.value != fmt.Sprintf("value-%d", next) {
			t.Fatalf("%s: %+v where offset %d should be", what, r, next)
		}
		next++
	}
	lost := end - int64(len(recs))
	if lost > 2 {
		t.Fatalf("%s: %d records lost by one flip", what, lost)
	}
	for i := 3; i < len(recs); i += 8 { // whoever begins there gets what whoever comes by gets
		r := recs[i]
		if from, _ := readAll(t, l, r.offset); len(from) == 0 || from[0] != r {
			t.Fatalf("%s: %+v is not what a read from its offset begins with", what, r)
		}
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
}

// every flips bits in one byte of each entry of an index.
func every(size, at int, flip byte) func(p []byte) []byte {
	return func(p []byte) []byte {
		for i := at; i < len(p); i += size {
			p[i] ^= flip
		}
		return p
	}
}

// TestSpoiltIndexes: whatever stands in the index files, answers do not change.
func TestSpoiltIndexes(t *testing.T) {
	clean := newDisk()
	l, _ := open(t, clean, 40_000)
	for i := range 600 {
		put(t, l, int64(1000+i), 5)
	}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	spoils := map[string]func(p []byte) []byte{
		"missing":            func([]byte) []byte { return nil },
		"empty":              func([]byte) []byte { return []byte{} },
		"zeroed":             func(p []byte) []byte { return make([]byte, len(p)) },
		"ff":                 func(p []byte) []byte { return bytes.Repeat([]byte{0xff}, len(p)) },
		"odd size":           func(p []byte) []byte { return append(p, 1, 2, 3) },
		"shifted":            func(p []byte) []byte { return append(slices.Clone(p[8:]), p[:8]...) },
		"halved":             func(p []byte) []byte { return p[:len(p)/48*24] },
		"flipped positions":  every(8, 7, 0x40),
		"flipped offsets":    every(8, 3, 0x08),
		"flipped timestamps": every(12, 7, 0x20),
		"flipped time offs":  every(12, 11, 0x08),
		"reversed": func(p []byte) []byte {
			slices.Reverse(p)
			return p
		},
	}
	for what, spoil := range spoils {
		for _, suffix := range []string{".index", ".timeindex", ".checkpoint"} {
			t.Run(what+suffix, func(t *testing.T) {
				fs := clean.Kill()
				for _, name := range clean.Names(suffix) {
					fs.SetBytes(name, spoil(clean.Bytes(name)))
				}
				l, _ := open(t, fs, 40_000)
				for _, from := range []int64{0, 1499, 1500, 2999} {
					recs, damaged := readAll(t, l, from)
					if damaged != nil {
						t.Fatalf("damage %v", damaged)
					}
					wantDense(t, recs, from, 3000)
				}
				v := l.View(l.Next())
				defer v.Close()
				for i := int64(0); i < 600; i += 37 {
					want := max(5*(i-4), 0)
					if i >= 4 { // batch i-4 ends at timestamp 1000+i
						want += 4
					} else {
						want = i
					}
					offset, _, ok, err := v.Find(segment.TimeSearch{Millis: 1000 + i})
					if err != nil || !ok || offset != want {
						t.Fatalf("find %d: %d %v %v, want %d", 1000+i, offset, ok, err, want)
					}
				}
			})
		}
	}
}

// Batches that were whole and are spoiled keep their offsets, however many stand at the end; a torn write after them is
// still cut. Else an offset that was acknowledged would be given out again.
func TestSpoiledBatchesAtTheEndKeepTheirOffsets(t *testing.T) {
	last := len(encode(9, 9, 3))
	for _, torn := range []int{0, 1, 40} {
		fs := filled(t, 4)
		log := fs.Bytes(active)
		log[len(log)-5] ^= 1
		log[len(log)-last-5] ^= 1
		fs.SetBytes(active, append(log, bytes.Repeat([]byte{0xa7}, torn)...))
		l, r := open(t, fs, 1<<20)
		if l.Next() != 12 || r.CutBytes != int64(torn) || len(r.Damage) == 0 || r.Damage[0].First != 6 {
			t.Fatalf("%d torn bytes: next %d, report %+v", torn, l.Next(), r)
		}
		put(t, l, 100, 2)
		recs, damaged := readAll(t, l, 0)
		wantDense(t, recs[:6], 0, 6)
		wantDense(t, recs[6:], 12, 14)
		if len(damaged) == 0 || damaged[0].First != 6 || damaged[len(damaged)-1].NextGood != 12 {
			t.Errorf("%d torn bytes: damage %v", torn, damaged)
		}
	}
}
