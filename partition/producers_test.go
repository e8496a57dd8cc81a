package partition

import (
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

// remembering opens a partition that saves what it knows of producers, at a moment.
func remembering(t testing.TB, fs segment.FS, now int64, limits Producers) (*Partition, segment.Report) {
	t.Helper()
	_ = fs.Mkdir("p-0")
	limits.Save, limits.Window = true, 600_000
	p, report, err := Open(Config{FS: fs, Dir: "p-0", Retention: unbounded, Now: at(now), Producers: &limits})
	if err != nil {
		t.Fatal(err)
	}
	return p, report
}

// appended appends one part, and tells why it was refused.
func appended(t testing.TB, p *Partition, part *broker.Part) error {
	t.Helper()
	if err := p.Append(at(1), []*broker.Part{part}); err != nil {
		t.Fatal(err)
	}
	return p.Refused(0)
}

// rollOver seals the active segment and begins the next one, as the owner does.
func rollOver(t testing.TB, p *Partition) {
	t.Helper()
	job := p.Seal(true)
	if err := errors.Join(job.Run(), save(p), p.Roll()); err != nil {
		t.Fatal(err)
	}
}

// save saves what is known of producers.
func save(p *Partition) error {
	job := p.SaveProducers()
	job.Collect()
	return job.Run()
}

const aKey = batch.KeyProducers + 99

// One gather may have a batch and its repetition, what goes on after it and what does not.
func TestProducersInOneGather(t *testing.T) {
	p, _ := remembering(t, segmenttest.New(), 0, Producers{})
	group := []*broker.Part{
		sent{id: 7, sizes: []int{2}}.part(), sent{id: 7, sizes: []int{2}}.part(), part(1, 1),
		sent{id: 7, first: 2, sizes: []int{3}}.part(), sent{id: 7, first: 9, sizes: []int{1}}.part(),
		sent{id: 7, first: 5, sizes: []int{1}}.part(), sent{id: 7, first: 2, sizes: []int{3}}.part(),
	}
	if err := p.Append(at(1), group); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		base      int64
		duplicate bool
		refused   error
	}{
		{base: 0}, {base: 0, duplicate: true}, {base: 2}, {base: 3}, {refused: broker.ErrOutOfOrderSequence}, {base: 6},
		{base: 3, duplicate: true},
	} {
		g, refused := group[i], p.Refused(i)
		if !errors.Is(refused, want.refused) || g.Stored != (want.refused == nil) || g.Duplicate != want.duplicate ||
			g.Stored && g.BaseOffset != want.base {
			t.Errorf("part %d: at %d, stored %v, duplicate %v: %v", i, g.BaseOffset, g.Stored, g.Duplicate, refused)
		}
	}
	if p.Next() != 7 {
		t.Errorf("the log ends at %d, want 7", p.Next())
	}
}

// A write that fails changes nothing that is known of producers, nor does it take room.
func TestFailedAppendForgetsProducers(t *testing.T) {
	fs, room := segmenttest.New(), 0
	p, _ := remembering(t, fs, 0, Producers{Room: func(n int) error { room += n; return nil }})
	if err := appended(t, p, sent{id: 1, sizes: []int{1}}.part()); err != nil {
		t.Fatal(err)
	}
	fresh := []sent{{id: 1, first: 1, sizes: []int{2}}, {id: 2, sizes: []int{1}}, {id: aKey, sizes: []int{1, 2}}}
	var parts []*broker.Part
	for _, s := range fresh {
		parts = append(parts, s.part())
	}
	fs.Tear(1, 100, syscall.ENOSPC)
	if err := p.Append(at(1), parts); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if ids, keys := p.Numbers(); ids != 1 || keys != 0 || room != 1 {
		t.Errorf("after a failed write: %d producers, %d keys, room for %d", ids, keys, room)
	}
	for i, s := range fresh {
		again := s.part()
		if err := appended(t, p, again); err != nil || again.Duplicate {
			t.Errorf("%d: %v, duplicate %v", i, err, again.Duplicate)
		}
	}
}

// Where there is no room for one more, that one is refused, and whoever is known goes on.
func TestProducersBound(t *testing.T) {
	room := 1
	p, _ := remembering(t, segmenttest.New(), 0, Producers{Room: func(n int) error {
		if n > room {
			return broker.ErrTooManyProducers
		}
		room -= n
		return nil
	}})
	if err := appended(t, p, sent{id: 1, sizes: []int{1}}.part()); err != nil {
		t.Fatal(err)
	}
	if err := appended(t, p, sent{id: 2, sizes: []int{1}}.part()); !errors.Is(err, broker.ErrTooManyProducers) {
		t.Errorf("one too many: %v", err)
	}
	if err := appended(t, p, sent{id: 1, first: 1, sizes: []int{1}}.part()); err != nil {
		t.Errorf("who is known: %v", err)
	}
	p.ForgetProducers(2)
	if err := appended(t, p, sent{id: 2, sizes: []int{1}}.part()); err != nil {
		t.Errorf("after the other was forgotten: %v", err)
	}
}

// A crash may tear a key's batches: the replay adds what is missing, wherever the log is by then, and from then on all
// of it is known, after a restart and in a sealed segment, too.
func TestTornKeyIsCompleted(t *testing.T) {
	fs := segmenttest.New()
	p, _ := remembering(t, fs, 0, Producers{})
	whole := sent{id: aKey, sizes: []int{2, 1, 3}}
	first := whole.part()
	if err := appended(t, p, first); err != nil {
		t.Fatal(err)
	}
	_ = p.Close(true)
	log := fs.Names(".log")[0]
	fs.SetBytes(log, fs.Bytes(log)[:len(first.Batch)+len(first.Rest[0].Batch)+10])
	p, _ = remembering(t, fs, 0, Producers{})
	if err := appended(t, p, part(1, 5)); err != nil || p.Next() != 8 {
		t.Fatalf("%v, the log ends at %d", err, p.Next())
	}
	for i, life := range []string{"completed", "repeated", "after a roll", "after a kill", "after a stop"} {
		again := whole.part()
		if err := appended(t, p, again); err != nil {
			t.Fatalf("%s: %v", life, err)
		}
		offsets := []int64{again.BaseOffset, again.Rest[0].BaseOffset, again.Rest[1].BaseOffset}
		if !slices.Equal(offsets, []int64{0, 2, 8}) || !again.Duplicate || again.Rest[1].Duplicate != (i > 0) {
			t.Errorf("%s: at %v, duplicate %v", life, offsets, again.Rest[1].Duplicate)
		}
		switch i {
		case 1:
			rollOver(t, p)
		case 2:
			_ = p.Close(true)
			p, _ = remembering(t, fs, 0, Producers{})
		case 3:
			if err := errors.Join(save(p), p.Close(false)); err != nil {
				t.Fatal(err)
			}
			p, _ = remembering(t, fs, 0, Producers{})
		}
	}
	if p.Next() != 11 {
		t.Errorf("the log ends at %d, want 11", p.Next())
	}
}

// What was saved counts for as long as it is there. Where it is lost, the log's last minutes say it, and what is older is
// not known: a producer begins where it likes.
func TestSavedProducers(t *testing.T) {
	gap := sent{id: 1, first: 5, sizes: []int{1}}
	for _, row := range []struct {
		name  string
		spoil func(fs *segmenttest.FS)
		now   int64
		told  bool
		err   error // of a batch that leaves a gap
		last  bool  // the last batch is known
	}{
		{name: "there", now: 1e12, err: broker.ErrOutOfOrderSequence, last: true},
		{
			name: "missing", spoil: func(fs *segmenttest.FS) { each(fs, ".snapshot", nil) },
			err: broker.ErrOutOfOrderSequence, last: true,
		},
		{name: "missing for long", spoil: func(fs *segmenttest.FS) { each(fs, ".snapshot", nil) }, now: 1e12},
		{
			name: "damaged", spoil: func(fs *segmenttest.FS) { each(fs, ".snapshot", []byte("nonsense, really")) }, told: true,
			err: broker.ErrOutOfOrderSequence, last: true,
		},
		{
			name: "the last one damaged for long", now: 1e12, told: true,
			spoil: func(fs *segmenttest.FS) { fs.SetBytes(fs.Names(".snapshot")[1], []byte{0, 1}) },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			fs := segmenttest.New()
			p, _ := remembering(t, fs, 0, Producers{})
			for i := range int32(2) {
				if err := appended(t, p, sent{id: 1, first: i, sizes: []int{1}}.part()); err != nil {
					t.Fatal(err)
				}
			}
			rollAfter(t, p, sent{id: 1, first: 2, sizes: []int{1}}.part())
			rollAfter(t, p, part(1, 1))
			rollAfter(t, p, part(1, 1))
			if names := fs.Names(".snapshot"); len(names) != kept {
				t.Fatalf("kept are %v", names)
			}
			_ = p.Close(true)
			if row.spoil != nil {
				row.spoil(fs)
			}
			for _, name := range fs.Names("") {
				fs.SetModTime(name, 1)
			}
			p, report := remembering(t, fs, row.now, Producers{})
			if (report.Producers != nil) != row.told {
				t.Errorf("told: %v", report.Producers)
			}
			again := sent{id: 1, first: 2, sizes: []int{1}}.part()
			if row.last {
				if err := appended(t, p, again); err != nil || again.BaseOffset != 2 || !again.Duplicate {
					t.Errorf("the last batch: at %d, duplicate %v: %v", again.BaseOffset, again.Duplicate, err)
				}
			}
			if err := appended(t, p, gap.part()); !errors.Is(err, row.err) {
				t.Errorf("a gap: %v, want %v", err, row.err)
			}
		})
	}
}

func each(fs *segmenttest.FS, suffix string, data []byte) {
	for _, name := range fs.Names(suffix) {
		fs.SetBytes(name, data)
	}
}

func rollAfter(t testing.TB, p *Partition, part *broker.Part) {
	t.Helper()
	if err := appended(t, p, part); err != nil {
		t.Fatal(err)
	}
	rollOver(t, p)
}

// A snapshot of what a power cut took is not believed, and not left for later, when the log is as long again.
func TestSnapshotOfLostRecords(t *testing.T) {
	fs := segmenttest.New()
	p, _ := remembering(t, fs, 0, Producers{})
	if err := errors.Join(appended(t, p, part(1, 3)), p.SyncJob().Run()); err != nil {
		t.Fatal(err)
	}
	if err := appended(t, p, sent{id: 1, sizes: []int{2}}.part()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(save(p), p.Close(true)); err != nil {
		t.Fatal(err)
	}
	snapshot := fs.Names(".snapshot")[0]
	data := fs.Bytes(snapshot)
	fs = fs.Crash(nil)
	fs.SetBytes(snapshot, data) // the disk had that already
	p, _ = remembering(t, fs, 0, Producers{})
	if err := appended(t, p, part(1, 4)); err != nil || p.Next() != 7 {
		t.Fatalf("%v, the log ends at %d", err, p.Next())
	}
	_ = p.Close(true)
	p, _ = remembering(t, fs, 0, Producers{})
	again := sent{id: 1, sizes: []int{2}}.part()
	if err := appended(t, p, again); err != nil || again.Duplicate {
		t.Errorf("what was lost is taken for stored: at %d, %v", again.BaseOffset, err)
	}
}

// What is asked with a key is saved beside it.
func TestDigestsAreSaved(t *testing.T) {
	fs := segmenttest.New()
	digest := func(id int64) [16]byte { return [16]byte(fmt.Appendf(nil, "%16d", id-batch.KeyProducers)) }
	p, _ := remembering(t, fs, 0, Producers{Digest: digest})
	if err := appended(t, p, sent{id: aKey, sizes: []int{1}}.part()); err != nil {
		t.Fatal(err)
	}
	rollOver(t, p)
	_ = p.Close(true)
	p, _ = remembering(t, fs, 0, Producers{})
	digests := p.Digests()
	if got := digests[aKey]; string(got[:]) != "              99" {
		t.Errorf("digest %q", got)
	}
	_ = p.Close(true)
	each(fs, ".keys", []byte("x"))
	p, report := remembering(t, fs, 0, Producers{})
	again := sent{id: aKey, sizes: []int{1}}.part()
	if err := appended(t, p, again); err != nil || !again.Duplicate || report.Producers == nil || len(p.Digests()) > 0 {
		t.Errorf("with the digests damaged: duplicate %v, told %v: %v", again.Duplicate, report.Producers, err)
	}
}
