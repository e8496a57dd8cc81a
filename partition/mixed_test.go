package partition

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// Batches for parts of several: of producer 7, epoch 1, which has stored its sequences 0 and 1 before, and of others.
var (
	plain    = sent{id: batch.NoProducer, sizes: []int{2}}
	known    = sent{id: 7, epoch: 1, sizes: []int{1}}
	last     = sent{id: 7, epoch: 1, first: 1, sizes: []int{1}}
	next     = sent{id: 7, epoch: 1, first: 2, sizes: []int{1}}
	gap      = sent{id: 7, epoch: 1, first: 5, sizes: []int{1}}
	fenced   = sent{id: 7, first: 2, sizes: []int{1}}
	stranger = sent{id: 8, first: 40, sizes: []int{3}}
)

// together is one part of some batches.
func together(all ...sent) *broker.Part {
	part := all[0].part()
	for _, s := range all[1:] {
		part.Rest = append(part.Rest, broker.More{Batch: s.part().Batch})
	}
	return part
}

// places tells where a part's batches are, d for a duplicate.
func places(part *broker.Part) (list string) {
	all := append([]broker.More{{BaseOffset: part.BaseOffset, Duplicate: part.Duplicate}}, part.Rest...)
	for _, more := range all {
		list += fmt.Sprint(more.BaseOffset)
		if more.Duplicate {
			list += "d"
		}
		list += " "
	}
	return list
}

// Each batch of a part is judged by its own producer; one that nobody numbered is always new. If any is refused, nothing
// of the part is stored, and nothing is known of it.
func TestPartsOfSeveralProducers(t *testing.T) {
	for name, row := range map[string]struct {
		part []sent
		want string // places
		next int64
		err  error
	}{
		"plain alone":                  {part: []sent{plain, plain}, want: "2 4 ", next: 6},
		"plain, then a duplicate":      {part: []sent{plain, known}, want: "2 0d ", next: 4},
		"a duplicate, then plain":      {part: []sent{known, plain}, want: "0d 2 ", next: 4},
		"plain between":                {part: []sent{known, plain, next}, want: "0d 2 4 ", next: 5},
		"plain around":                 {part: []sent{plain, next, plain}, want: "2 4 5 ", next: 7},
		"the same one twice":           {part: []sent{next, plain, next}, want: "2 3 2d ", next: 5},
		"two producers":                {part: []sent{next, stranger, plain}, want: "2 3 6 ", next: 8},
		"a duplicate and a stranger":   {part: []sent{last, stranger}, want: "1d 2 ", next: 5},
		"plain, then a gap":            {part: []sent{plain, gap}, err: broker.ErrOutOfOrderSequence},
		"a gap, then plain":            {part: []sent{gap, plain}, err: broker.ErrOutOfOrderSequence},
		"plain, then an old epoch":     {part: []sent{plain, fenced}, err: broker.ErrProducerFenced},
		"an old epoch, then plain":     {part: []sent{fenced, plain}, err: broker.ErrProducerFenced},
		"good ones, then a gap":        {part: []sent{stranger, plain, next, gap}, err: broker.ErrOutOfOrderSequence},
		"good ones, then an old epoch": {part: []sent{next, plain, stranger, fenced}, err: broker.ErrProducerFenced},
	} {
		t.Run(name, func(t *testing.T) {
			room := 0
			p, _ := remembering(t, segmenttest.New(), 0, Producers{Room: func(n int) error { room += n; return nil }})
			if err := errors.Join(appended(t, p, known.part()), appended(t, p, last.part())); err != nil {
				t.Fatal(err)
			}
			part := together(row.part...)
			if err := appended(t, p, part); !errors.Is(err, row.err) || part.Stored != (row.err == nil) {
				t.Fatalf("%v, want %v; stored %v", err, row.err, part.Stored)
			}
			if row.err != nil {
				if p.Next() != 2 || room != 1 {
					t.Errorf("after a refusal the log ends at %d, and there is room taken for %d", p.Next(), room)
				}
				after := together(stranger, next)
				if err := appended(t, p, after); err != nil || places(after) != "2 5 " {
					t.Errorf("what was refused is known: %s, %v", places(after), err)
				}
				return
			}
			if got := places(part); got != row.want || p.Next() != row.next {
				t.Errorf("at %s, want %s; the log ends at %d, want %d", got, row.want, p.Next(), row.next)
			}
			if End(part) > p.Next() || row.next > 2 && End(part) != p.Next() {
				t.Errorf("its end is %d, the log's %d: a sync would not be waited for", End(part), p.Next())
			}
		})
	}
}

// A retry finds what is numbered, and stores the rest once more.
func TestAMixedPartAgain(t *testing.T) {
	p, _ := remembering(t, segmenttest.New(), 0, Producers{})
	all := []sent{plain, known, stranger, plain, last}
	for _, want := range []string{"0 2 3 6 8 ", "9 2d 3d 11 8d "} {
		part := together(all...)
		if err := appended(t, p, part); err != nil || places(part) != want {
			t.Errorf("at %s, want %s: %v", places(part), want, err)
		}
	}
	if err := appended(t, p, together(plain, gap)); !errors.Is(err, broker.ErrOutOfOrderSequence) {
		t.Errorf("a gap after plain batches: %v", err)
	}
}

// A write that fails forgets what is numbered in a part, wherever it stands there.
func TestAMixedPartThatFails(t *testing.T) {
	fs := segmenttest.New()
	p, _ := remembering(t, fs, 0, Producers{})
	fs.Tear(1, 100, syscall.ENOSPC)
	if err := p.Append(at(1), []*broker.Part{together(plain, stranger)}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	again := together(plain, stranger)
	if err := appended(t, p, again); err != nil || places(again) != "0 2 " {
		t.Errorf("at %s: %v", places(again), err)
	}
}

// Memory does not keep one large batch of a part where the others' bytes would stay with it, uncounted.
func TestABatchOfSeveralIsNotAdopted(t *testing.T) {
	p := open(t, segment.NewMemory(0), Config{Retention: unbounded, Producers: &Producers{}})
	var large batch.Builder
	large.Add(1, nil, slices.Repeat([]byte("x"), 200_000))
	b := slices.Clip(large.Finish())
	first := together(known)
	alone := &broker.Part{Batch: slices.Clone(b)}
	beside := together(known)
	beside.Rest = []broker.More{{Batch: b}}
	for _, part := range []*broker.Part{first, alone, beside} {
		if err := appended(t, p, part); err != nil {
			t.Fatal(err)
		}
	}
	if !alone.Adopted || !beside.Duplicate || beside.Adopted {
		t.Errorf("alone: adopted %v; beside a duplicate (%v): adopted %v", alone.Adopted, beside.Duplicate, beside.Adopted)
	}
}

// Memory keeps the slab of a part whose batches stand in it one after the other, counts all of it, and gives it back
// once: but not where one of them was stored before or stands elsewhere, or something else is written with it.
func TestABodyOfSeveralIsKept(t *testing.T) {
	fs := segment.NewMemory(0)
	p := open(t, fs, Config{Retention: unbounded, Producers: &Producers{}})
	body := func(first sent) *broker.Part {
		slab := append(make([]byte, 0, 128<<10), first.part().Batch...)
		ends := []int{0, len(slab)}
		for range 3 {
			var b batch.Builder
			b.Add(1, nil, slices.Repeat([]byte("x"), 35_000))
			slab = append(slab, b.Finish()...)
			ends = append(ends, len(slab))
		}
		part := &broker.Part{Batch: slab[:ends[1]]}
		for i, at := range ends[1:4] {
			part.Rest = append(part.Rest, broker.More{Batch: slab[at:ends[i+2]:ends[i+2]]})
		}
		return part
	}
	before := fs.Used()
	first, again, beside := body(known), body(known), body(plain)
	if err := appended(t, p, first); err != nil || !first.Adopted || fs.Used()-before != int64(cap(first.Batch)) {
		t.Errorf("alone: kept %v, %d bytes more are held of %d: %v", first.Adopted, fs.Used()-before, cap(first.Batch), err)
	}
	if err := appended(t, p, again); err != nil || !again.Duplicate || again.Adopted {
		t.Errorf("without its first batch: kept %v: %v", again.Adopted, err)
	}
	scattered := body(plain)
	scattered.Rest[1].Batch = slices.Clone(scattered.Rest[1].Batch)
	if err := appended(t, p, scattered); err != nil || scattered.Adopted {
		t.Errorf("one elsewhere: kept %v: %v", scattered.Adopted, err)
	}
	small := plain.part()
	if err := p.Append(at(1), []*broker.Part{small, beside}); err != nil || beside.Adopted {
		t.Errorf("written after another part: kept %v: %v", beside.Adopted, err)
	}
	again.Batch = nil // it was there
	var want []byte
	for _, part := range []*broker.Part{first, again, scattered, small, beside} {
		want = append(want, part.Batch...)
		for _, more := range part.Rest {
			want = append(want, more.Batch...)
		}
	}
	view := p.View()
	defer view.Close()
	if got, err := view.Read(nil, 0, 1<<20); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes are there of %d: %v", len(got), len(want), err)
	}
}
