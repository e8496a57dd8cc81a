package partition

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

func open(t testing.TB, fs segment.FS, c Config) *Partition {
	t.Helper()
	_ = fs.Mkdir("p-0")
	c.FS, c.Dir = fs, "p-0"
	p, _, err := Open(c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return p
}

// at is a moment at which both clocks tell the same.
func at(millis int64) segment.Moment { return segment.Moment{Wall: millis, Steady: millis} }

var unbounded = Retention{Ms: -1, Bytes: -1}

func part(ts int64, records int) *broker.Part {
	var b batch.Builder
	for range records {
		b.Add(ts, nil, []byte("value"))
	}
	return &broker.Part{Batch: b.Finish()}
}

func TestAppendStamps(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: unbounded})
	group := []*broker.Part{part(100, 3), part(90, 1), part(95, 2)}
	group[2].BrokerTime = true
	if err := p.Append(at(1), group); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ base, ts int64 }{{0, 100}, {3, 90}, {4, 95}} {
		g := group[i]
		if g.BaseOffset != want.base || g.Timestamp != want.ts || !g.Stored || g.Batch.BaseOffset() != want.base {
			t.Errorf("part %d: base %d, timestamp %d", i, g.BaseOffset, g.Timestamp)
		}
		if err := g.Batch.Check(); err != nil {
			t.Error(err)
		}
	}
	if p.Next() != 6 || p.HighWatermark() != 6 {
		t.Errorf("next %d, high watermark %d", p.Next(), p.HighWatermark())
	}
}

func TestBrokerTimeIsRaisedAndNothingElse(t *testing.T) {
	p := open(t, segmenttest.New(), Config{Retention: unbounded})
	for _, row := range []struct {
		ts     int64
		broker bool
		want   int64
	}{
		{100, true, 100}, {50, true, 100}, {120, true, 120}, {10, false, 10}, {60, true, 120}, {9_000_000, false, 9_000_000},
		{130, true, 130}, {5, true, 130},
	} {
		g := part(row.ts, 2)
		g.BrokerTime = row.broker
		if err := p.Append(at(1), []*broker.Part{g}); err != nil || g.Timestamp != row.want || g.Batch.Check() != nil {
			t.Errorf("%+v: timestamp %d %v", row, g.Timestamp, err)
		}
	}
	again := open(t, segmenttest.New(), Config{Retention: unbounded})
	if g := part(7, 1); again.Append(at(1), []*broker.Part{g}) != nil || g.Timestamp != 7 {
		t.Errorf("first record at %d", g.Timestamp)
	}
}

// A step back of the clock does not show, as long as it is small; a clock that was set back is followed, by what was
// decoded before that, too. A restart begins with the clock.
func TestAppendTimeFollowsTheClock(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: unbounded})
	stamp := func(now, decoded int64) int64 {
		t.Helper()
		g := part(decoded, 2)
		g.BrokerTime = true
		if err := p.Append(at(now), []*broker.Part{g}); err != nil || g.Batch.Check() != nil {
			t.Fatal(err, g.Batch.Check())
		}
		return g.Timestamp
	}
	for _, row := range []struct{ now, decoded, want int64 }{
		{50_000, 50_000, 50_000},
		{49_000, 49_000, 50_000}, // a second
		{48_999, 48_998, 48_999}, // more
		{48_999, 48_990, 48_999},
		{49_500, 49_400, 49_400},
		{40_000, 49_450, 40_000}, // set back while it waited
		{40_010, 40_005, 40_005},
	} {
		if got := stamp(row.now, row.decoded); got != row.want {
			t.Errorf("%+v: got %d", row, got)
		}
	}
	if err := p.Close(false); err != nil {
		t.Fatal(err)
	}
	p = open(t, fs, Config{Retention: unbounded})
	if got := stamp(7, 7); got != 7 {
		t.Errorf("after a restart %d", got)
	}
}

func TestFailedAppendChangesNothing(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: unbounded})
	first := part(500, 2)
	first.BrokerTime = true
	if err := p.Append(at(1), []*broker.Part{first}); err != nil {
		t.Fatal(err)
	}
	before := p.Stats()
	fs.Tear(1, 80, syscall.ENOSPC)
	lost := part(900, 1)
	lost.BrokerTime = true
	if err := p.Append(at(2), []*broker.Part{lost, part(900, 1)}); !errors.Is(err, syscall.ENOSPC) || lost.Stored {
		t.Fatalf("%v, stored %v", err, lost.Stored)
	}
	if after := p.Stats(); after != before {
		t.Errorf("%+v, was %+v", after, before)
	}
	next := part(400, 1)
	next.BrokerTime = true
	if err := p.Append(at(3), []*broker.Part{next}); err != nil || next.BaseOffset != 2 || next.Timestamp != 500 {
		t.Errorf("offset %d at %d: %v", next.BaseOffset, next.Timestamp, err)
	}
}

func TestHoldBack(t *testing.T) {
	p := open(t, segmenttest.New(), Config{Retention: unbounded, HoldBack: true})
	if err := p.Append(at(1), []*broker.Part{part(1, 4)}); err != nil {
		t.Fatal(err)
	}
	if p.HighWatermark() != 0 {
		t.Errorf("high watermark %d before the sync", p.HighWatermark())
	}
	job := p.SyncJob()
	if err := p.Append(at(1), []*broker.Part{part(1, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := job.Run(); err != nil {
		t.Fatal(err)
	}
	p.SetSynced(job.UpTo)
	if p.HighWatermark() != 4 {
		t.Errorf("high watermark %d, four records are synced", p.HighWatermark())
	}
	v := p.View()
	defer v.Close()
	if v.End() != 4 {
		t.Errorf("a view up to %d", v.End())
	}
}

func TestEpochs(t *testing.T) {
	fs := segmenttest.New()
	epochOf := func(p *Partition) int32 {
		g := part(1, 1)
		if err := p.Append(at(1), []*broker.Part{g}); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(false); err != nil {
			t.Fatal(err)
		}
		return g.Batch.LeaderEpoch()
	}
	for _, row := range []struct {
		powerCut bool
		want     int32
	}{{false, 0}, {false, 0}, {true, 1}, {false, 1}, {true, 2}} {
		if e := epochOf(open(t, fs, Config{Retention: unbounded, NewEpoch: row.powerCut})); e != row.want {
			t.Errorf("%+v: epoch %d", row, e)
		}
	}
	if got := fmt.Sprint(segment.LoadEpochs(fs, "p-0")); got != "[{0 0} {1 2} {2 4}] <nil>" {
		t.Errorf("epochs %s", got)
	}
	fs.SetBytes("p-0/leader-epoch-checkpoint", nil) // a cache: the log has it too
	if e := epochOf(open(t, fs, Config{Retention: unbounded})); e != 2 {
		t.Errorf("epoch %d without the checkpoint", e)
	}
}

// fill appends batches of about 86 bytes, rolling as the owner would.
func fill(t testing.TB, p *Partition, now int64, batches int) {
	t.Helper()
	for range batches {
		group := []*broker.Part{part(now, 2)}
		if p.Fit(group) == 0 {
			roll(t, p)
		}
		if err := p.Append(at(now), group); err != nil {
			t.Fatal(err)
		}
	}
}

func roll(t testing.TB, p *Partition) {
	t.Helper()
	if err := errors.Join(p.Seal(true).Run(), p.Roll()); err != nil {
		t.Fatal(err)
	}
}

// TestModel runs appends, syncs, rolls and retention in any order against counters.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := open(t, segmenttest.New(), Config{
			HoldBack: true, Retention: Retention{Ms: -1, Bytes: 1500, SegmentBytes: 400},
		})
		var next, synced, start int64
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				n := rapid.IntRange(1, 5).Draw(rt, "records")
				group := []*broker.Part{part(next, n)}
				if p.Fit(group) == 0 {
					roll(t, p)
				}
				if err := p.Append(at(1), group); err != nil || group[0].BaseOffset != next {
					rt.Fatalf("offset %d, want %d: %v", group[0].BaseOffset, next, err)
				}
				next += int64(n)
			},
			"sync": func(rt *rapid.T) {
				job := p.SyncJob()
				if err := job.Run(); err != nil {
					rt.Fatal(err)
				}
				p.SetSynced(job.UpTo)
				synced = next
			},
			"expire": func(rt *rapid.T) {
				if err := p.TrimBefore(p.Expired(at(1))).Run(); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				s := p.Stats()
				if p.Next() != next || s.HighWatermark != synced || s.LogStart < start || s.LogStart > next {
					rt.Fatalf("%+v next %d; want next %d, synced %d, start from %d", s, p.Next(), next, synced, start)
				}
				start = s.LogStart
			},
		})
	})
}

// Who opens a partition learns that its epoch is not on the disk for want of room or of a descriptor, so that no append
// is taken before.
func TestTheNewEpochIsStoredFirst(t *testing.T) {
	for _, want := range []struct {
		op  segmenttest.Op
		err error
	}{{segmenttest.OpWrite, syscall.ENOSPC}, {segmenttest.OpCreate, syscall.EMFILE}} {
		for powerCut, epochs := range map[bool]string{true: "0\n1\n1 4\n", false: "0\n1\n0 4\n"} {
			fs := segmenttest.New()
			p := open(t, fs, Config{Retention: unbounded})
			fill(t, p, 1, 2)
			if err := p.Close(false); err != nil {
				t.Fatal(err)
			}
			fs.SetBytes("p-0/leader-epoch-checkpoint", nil)
			fs.FailFrom(want.op, 1, want.err)
			p, report, err := Open(Config{FS: fs, Dir: "p-0", Retention: unbounded, NewEpoch: powerCut})
			if err != nil || !errors.Is(report.Unwritten, want.err) || !p.Owes() {
				t.Fatalf("power cut %v: %v, %+v", powerCut, err, report)
			}
			if err := p.Settle(); !errors.Is(err, want.err) || !p.Owes() {
				t.Errorf("power cut %v: settled all the same: %v", powerCut, err)
			}
			fs.Heal()
			if err := p.Settle(); err != nil || p.Owes() {
				t.Errorf("power cut %v: not settled with room: %v", powerCut, err)
			}
			if got := string(fs.Bytes("p-0/leader-epoch-checkpoint")); got != epochs {
				t.Errorf("power cut %v: epochs %q", powerCut, got)
			}
		}
	}
}

// The end of an epoch stays where the next one began, from the first moment on: a commit ahead of it was lost.
func TestEpochEnd(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: unbounded})
	fill(t, p, 1, 2)
	if err := p.Close(false); err != nil {
		t.Fatal(err)
	}
	for _, newEpoch := range []bool{true, false} {
		p = open(t, fs, Config{Retention: unbounded, NewEpoch: newEpoch})
		fill(t, p, 1, 3)
		if p.EpochEnd(0) != 4 || p.EpochEnd(1) != p.Next() || p.Epoch() != 1 {
			t.Errorf("epoch 0 ends at %d, 1 at %d of %d, it is %d", p.EpochEnd(0), p.EpochEnd(1), p.Next(), p.Epoch())
		}
		if err := p.Close(false); err != nil {
			t.Fatal(err)
		}
	}
}

// What recovery found is the high watermark, though nothing was synced since.
func TestWhatIsFoundIsSeen(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: unbounded, HoldBack: true})
	fill(t, p, 1, 2)
	p = open(t, fs.Kill(), Config{Retention: unbounded, HoldBack: true, Sync: true})
	if p.HighWatermark() != 4 {
		t.Errorf("high watermark %d", p.HighWatermark())
	}
}

// A part's batches stand and fall together: they count as one for the segment, and a disk that fills up in their middle
// has none of them.
func TestAppendSeveralBatches(t *testing.T) {
	fs := segmenttest.New()
	p := open(t, fs, Config{Retention: Retention{Ms: -1, Bytes: -1, SegmentBytes: 1000}})
	several := func(batches int) *broker.Part {
		whole := part(1, 4)
		for i := range batches - 1 {
			whole.Rest = append(whole.Rest, broker.More{Batch: part(int64(i)+2, 3).Batch})
		}
		return whole
	}
	group := []*broker.Part{several(3), several(2), several(30)}
	fs.Tear(1, len(group[0].Batch)+5, syscall.ENOSPC)
	if err := p.Append(at(1), group[:1]); !errors.Is(err, syscall.ENOSPC) || group[0].Stored || p.Next() != 0 {
		t.Fatalf("on a full disk: %v, the log ends at %d", err, p.Next())
	}
	if err := p.Append(at(1), group[:1]); err != nil || p.Next() != 10 || group[0].Rest[1].BaseOffset != 7 {
		t.Fatalf("the log ends at %d, answer %+v: %v", p.Next(), group[0], err)
	}
	if n := p.Fit(group[1:]); n != 1 {
		t.Errorf("the rest of a segment takes %d of a small part and a large one", n)
	}
}
