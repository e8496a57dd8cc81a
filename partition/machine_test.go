package partition

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// disk is a file system that can be left as a fault leaves it.
type disk interface {
	fs() segment.FS
	kill()                // the process is gone, everything that was written is there
	powerCut(seed uint64) // the machine is gone, and with it some of what was not synced
}

// crashDisk is the test's own file system.
type crashDisk struct{ *segmenttest.FS }

func (d *crashDisk) fs() segment.FS { return d.FS }
func (d *crashDisk) kill()          { d.FS = d.Kill() }
func (d *crashDisk) powerCut(seed uint64) {
	d.FS = d.Crash(rand.New(rand.NewPCG(seed, 1)))
}

// realDisk is the operating system's. Its power can't be cut, so nothing is lost there.
type realDisk struct{ segment.OS }

func (d realDisk) fs() segment.FS  { return d.OS }
func (realDisk) kill()             {}
func (realDisk) powerCut(_ uint64) {}

// written is the oracle's idea of one record.
type written struct {
	value string
	epoch int32
}

// machine runs a partition beside a plain slice. Every value is new, so that an offset that is used twice is seen.
type machine struct {
	disk    disk
	p       *Partition
	all     []written // by offset
	durable int64     // offsets below it were synced
	epoch   int32
	made    int
}

func (m *machine) open(t *rapid.T, powerCut bool) {
	if err := m.disk.fs().Mkdir("p-0"); err != nil {
		t.Fatal(err)
	}
	p, report, err := Open(Config{
		FS: m.disk.fs(), Dir: "p-0", HoldBack: true, NewEpoch: powerCut, Sync: true,
		Retention: Retention{Ms: -1, Bytes: 1500, SegmentBytes: 400},
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if report.Damage != nil {
		t.Fatalf("damage out of nowhere: %v", report.Damage)
	}
	if powerCut {
		m.epoch++
	}
	m.p = p
	if next := p.Next(); next < m.durable || next > int64(len(m.all)) || !powerCut && next != int64(len(m.all)) {
		t.Fatalf("the log ends at %d; %d records were written, %d are durable", next, len(m.all), m.durable)
	}
	m.all = m.all[:p.Next()]
	m.durable = p.Next() // readers see it from now on, so it has to last
}

func (m *machine) append(t *rapid.T) {
	var b batch.Builder
	for range rapid.IntRange(1, 5).Draw(t, "records") {
		m.made++
		b.Add(int64(m.made), nil, fmt.Append(nil, "value ", m.made))
		m.all = append(m.all, written{fmt.Sprint("value ", m.made), m.epoch})
	}
	group := []*broker.Part{{Batch: b.Finish()}}
	if m.p.Fit(group) == 0 {
		if err := m.p.Seal(true).Run(); err != nil {
			t.Fatal(err)
		}
		if err := m.p.Roll(); err != nil {
			t.Fatal(err)
		}
	}
	want := int64(len(m.all)) - int64(group[0].Batch.Count())
	if err := m.p.Append(at(1), group); err != nil || group[0].BaseOffset != want {
		t.Fatalf("appended at %d instead of %d: %v", group[0].BaseOffset, want, err)
	}
}

func (m *machine) sync(t *rapid.T) {
	job := m.p.SyncJob()
	if err := job.Run(); err != nil {
		t.Fatal(err)
	}
	m.p.SetSynced(job.UpTo)
	m.durable = job.UpTo
}

// check reads all that may be seen: each offset holds what was written there, in the epoch of that time.
func (m *machine) check(t *rapid.T) {
	v := m.p.View()
	defer v.Close()
	if v.End() < m.durable || v.End() > int64(len(m.all)) {
		t.Fatalf("high watermark %d; %d records, %d durable", v.End(), len(m.all), m.durable)
	}
	for next := v.Start(); next < v.End(); {
		data, err := v.Read(nil, next, 300)
		if err != nil {
			t.Fatalf("read at %d: %v", next, err)
		}
		for len(data) > 0 {
			b, rest, err := batch.Next(data)
			if err != nil {
				t.Fatal(err)
			}
			data = rest
			it := b.Records()
			for it.Next() {
				offset := b.BaseOffset() + int64(it.Record.OffsetDelta)
				if got := (written{string(it.Record.Value), b.LeaderEpoch()}); got != m.all[offset] {
					t.Fatalf("offset %d holds %v, written was %v", offset, got, m.all[offset])
				}
			}
			next = b.LastOffset() + 1
		}
	}
}

// Appends, syncs, rolls, retention, clean ends, kills and power cuts in any order.
func TestStateMachine(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(t *rapid.T) disk{
		"crash": func(*rapid.T) disk { return &crashDisk{segmenttest.New()} },
		"real": func(t *rapid.T) disk {
			root, err := os.MkdirTemp(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(root) })
			fs, err := segment.NewOS(root)
			if err != nil {
				t.Fatal(err)
			}
			return realDisk{fs}
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := &machine{disk: make(t)}
				m.open(t, false)
				defer func() { _ = m.p.Close(true) }()
				t.Repeat(map[string]func(*rapid.T){
					"append": m.append,
					"sync":   m.sync,
					"expire": func(t *rapid.T) {
						if err := m.p.TrimBefore(m.p.Expired(at(1))).Run(); err != nil {
							t.Fatal(err)
						}
					},
					"stop": func(t *rapid.T) {
						if err := m.p.Close(false); err != nil {
							t.Fatal(err)
						}
						m.open(t, false)
					},
					"kill": func(t *rapid.T) {
						_ = m.p.Close(true)
						m.disk.kill()
						m.open(t, false)
					},
					"power cut": func(t *rapid.T) {
						_ = m.p.Close(true)
						m.disk.powerCut(rapid.Uint64().Draw(t, "seed"))
						m.open(t, true)
					},
					"": m.check,
				})
			})
		})
	}
}
