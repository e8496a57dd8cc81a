package segment_test

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"flashq/segment"
	"flashq/segment/segmenttest"
)

var errDisk = errors.New("the disk says no")

// TestFailNext makes each kind of operation fail once during a fixed script, at every place, then reopens: what was
// acknowledged as durable is there, and nothing twice.
func TestFailNext(t *testing.T) {
	for _, op := range []segmenttest.Op{
		segmenttest.OpWrite, segmenttest.OpSync, segmenttest.OpSyncDir, segmenttest.OpCreate, segmenttest.OpRename,
	} {
		for nth := 1; ; nth++ {
			fs := newDisk()
			fs.Fail(op, nth, errDisk)
			durable := script(fs)
			if fs.Count(op) < nth {
				break // the whole script ran without meeting the fault
			}
			fs.Heal()
			for _, disk := range []*segmenttest.FS{fs.Kill(), fs.Crash(nil), fs.Crash(rand.New(rand.NewPCG(1, uint64(nth))))} {
				l, _, err := segment.Open(segment.Config{FS: disk, Dir: dir, SegmentBytes: 600, PowerCut: true})
				if err != nil {
					t.Fatalf("%s %d: reopen: %v", op, nth, err)
				}
				if l.Next() < durable {
					t.Fatalf("%s %d: next offset %d, but %d was durable", op, nth, l.Next(), durable)
				}
				recs, damaged := readAll(t, l, 0)
				if damaged != nil {
					t.Fatalf("%s %d: damage %v", op, nth, damaged)
				}
				wantDense(t, recs, 0, l.Next())
			}
		}
	}
}

// script appends and syncs until something fails for good, and tells below which offset everything is durable.
func script(fs *segmenttest.FS) (durable int64) {
	l, _, err := segment.Open(segment.Config{FS: fs, Dir: dir, SegmentBytes: 600})
	if err != nil {
		return 0
	}
	for i := range 12 {
		if tryPut(l, int64(i), 3) != nil {
			_ = l.Abandon()
			return durable
		}
		job := l.SyncJob()
		if job.Run() != nil {
			_ = l.Abandon()
			return durable
		}
		durable = job.UpTo
	}
	_ = l.Close(true)
	return durable
}

// TestNoRoom tears a write at every byte for want of room: nothing has changed, and the next append goes through.
func TestNoRoom(t *testing.T) {
	size := len(encode(3, 5, 3))
	for torn := 0; torn < size; torn += 7 {
		fs := newDisk()
		l, _ := open(t, fs, 1<<20)
		put(t, l, 1, 3)
		fs.Tear(1, torn, syscall.ENOSPC)
		if err := tryPut(l, 5, 3); !segment.IsNoSpace(err) {
			t.Fatalf("torn at %d: %v", torn, err)
		}
		recs, _ := readAll(t, l, 0)
		wantDense(t, recs, 0, 3)
		put(t, l, 6, 2)
		if err := l.Close(true); err != nil {
			t.Fatal(err)
		}
		l, r := open(t, fs, 1<<20)
		recs, _ = readAll(t, l, 0)
		wantDense(t, recs, 0, 5)
		if r.CutBytes != 0 {
			t.Fatalf("torn at %d: %d bytes were left behind", torn, r.CutBytes)
		}
	}
}

// A full disk has no room for the index files of the last segment; its records are made durable all the same.
func TestCloseOnAFullDiskSyncsTheRecords(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	put(t, l, 1, 3)
	fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
	if err := l.Close(true); !segment.IsNoSpace(err) {
		t.Errorf("close: %v", err)
	}
	l, _ = open(t, fs.Crash(nil), 1<<20)
	recs, _ := readAll(t, l, 0)
	wantDense(t, recs, 0, 3)
}

func TestTornWriteThatCannotBeCut(t *testing.T) {
	fs := newDisk()
	l, _ := open(t, fs, 1<<20)
	fs.Tear(1, 10, syscall.ENOSPC)
	fs.Fail(segmenttest.OpTruncate, 1, errDisk)
	if err := tryPut(l, 5, 3); !errors.Is(err, segment.ErrNotCut) {
		t.Fatalf("%v does not say that the log has to be recovered", err)
	}
}

// TestStateMachine appends, syncs, rolls, trims, crashes and reopens in any order against a slice of what was put: what
// was durable is there, what was not is there as a prefix, and no offset means two things.
func TestStateMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := newDisk()
		m := machine{disk: fs}
		m.open(t, false)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				if err := tryPut(m.log, m.log.Next(), rapid.IntRange(1, 9).Draw(t, "records")); err != nil {
					t.Fatal(err)
				}
			},
			"sync": func(t *rapid.T) {
				job := m.log.SyncJob()
				if err := job.Run(); err != nil {
					t.Fatal(err)
				}
				m.durable = job.UpTo
			},
			"trim": func(t *rapid.T) {
				if n := m.log.Segments() - 1; n > 0 {
					if err := m.log.Trim(rapid.IntRange(0, n).Draw(t, "segments")).Run(); err != nil {
						t.Fatal(err)
					}
				}
			},
			"close": func(t *rapid.T) {
				next := m.log.Next()
				if err := m.log.Close(true); err != nil {
					t.Fatal(err)
				}
				m.durable = next
				m.open(t, false)
				if m.log.Next() != next {
					t.Fatalf("next offset %d after a clean stop at %d", m.log.Next(), next)
				}
			},
			"kill": func(t *rapid.T) {
				next := m.log.Next()
				m.disk = m.disk.Kill()
				m.open(t, false)
				if m.log.Next() != next {
					t.Fatalf("next offset %d after a kill at %d", m.log.Next(), next)
				}
			},
			"power cut": func(t *rapid.T) {
				next := m.log.Next()
				seed := rapid.Uint64().Draw(t, "seed")
				m.disk = m.disk.Crash(rand.New(rand.NewPCG(seed, 0)))
				m.open(t, true)
				if m.log.Next() < m.durable || m.log.Next() > next {
					t.Fatalf("next offset %d after a power cut at %d, durable %d", m.log.Next(), next, m.durable)
				}
			},
			"": func(t *rapid.T) { m.check(t) },
		})
	})
}

type machine struct {
	disk    *segmenttest.FS
	log     *segment.Log
	durable int64
}

func (m *machine) open(t *rapid.T, powerCut bool) {
	l, r, err := segment.Open(segment.Config{FS: m.disk, Dir: dir, SegmentBytes: 500, PowerCut: powerCut})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if r.Damage != nil {
		t.Fatalf("damage out of nowhere: %v", r.Damage)
	}
	m.log = l
	m.durable = min(m.durable, l.Next())
}

func (m *machine) check(t *rapid.T) {
	v := m.log.View(m.log.Next())
	defer v.Close()
	if v.Start() == v.End() {
		return
	}
	data, err := v.Read(nil, v.Start(), 1<<20)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	recs := records(t, data, v.Start())
	if int64(len(recs)) != v.End()-v.Start() {
		t.Fatalf("%d records between %d and %d", len(recs), v.Start(), v.End())
	}
}
