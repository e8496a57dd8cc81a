package partition

import (
	"math"
	"testing"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/segmenttest"
)

func TestExpireBySize(t *testing.T) {
	p := open(t, segmenttest.New(), Config{Retention: Retention{Ms: -1, Bytes: 2000, SegmentBytes: 1000}})
	fill(t, p, 1, 100)
	if err := p.TrimBefore(p.Expired(at(1))).Run(); err != nil {
		t.Fatal(err)
	}
	s := p.Stats()
	if s.Bytes < 2000 || s.Bytes > 3000 || s.LogStart == 0 || s.HighWatermark != 200 {
		t.Errorf("%+v", s)
	}
	if !p.TrimBefore(p.Expired(at(1))).Empty() {
		t.Error("a second search finds more")
	}
	p.SetRetention(Retention{Ms: -1, Bytes: 0, SegmentBytes: 1000})
	if err := p.TrimBefore(p.Expired(at(1))).Run(); err != nil || p.Stats().Segments != 1 {
		t.Errorf("%+v %v", p.Stats(), err)
	}
}

func TestExpireByAge(t *testing.T) {
	for _, row := range []struct {
		name              string
		recordTS, arrived int64
		now, elapsed      int64
		expired           bool
	}{
		{"fresh", 10 * day, 10 * day, 11 * day, day, false},
		{"old", 10 * day, 10 * day, 13 * day, 3 * day, true},
		{"as old as it may be", 10 * day, 10 * day, 12 * day, 2 * day, false},
		{"history that arrives now is not old", 1, 12 * day, 13 * day, day, false},
		{"the clock went back", 10 * day, 10 * day, 5 * day, day, false},
		{"the clock went back, and that is long ago", 10 * day, 10 * day, 5 * day, 3 * day, true},
		{"the clock was set ahead", 10 * day, 10 * day, 100 * day, day, false},
		{"a timestamp in the future says nothing", 40 * day, 10 * day, 13 * day, 3 * day, true},
		{"nor does one that was in the future when it came", 12 * day, 10 * day, 13 * day, 3 * day, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := open(t, segmenttest.New(), Config{Retention: Retention{Ms: 2 * day, Bytes: -1}})
			came := segment.Moment{Wall: row.arrived, Steady: 77}
			if err := p.Append(came, []*broker.Part{part(row.recordTS, 1)}); err != nil {
				t.Fatal(err)
			}
			now := segment.Moment{Wall: row.now, Steady: 77 + row.elapsed}
			if row.expired && !p.RollDue(now) {
				t.Error("the active segment is not to be sealed")
			}
			roll(t, p)
			if look := p.NextLook(); (look <= now.Steady) != row.expired {
				t.Errorf("the next look is at %d, now is %d", look, now.Steady)
			}
			if got := !p.TrimBefore(p.Expired(now)).Empty(); got != row.expired {
				t.Errorf("sealed segment expired: %v", got)
			}
		})
	}
}

// The active segment rolls by the time since its first append, whatever its records say and however many follow.
func TestRollByAge(t *testing.T) {
	const never = int64(1) << 50
	for _, row := range []struct{ retentionMs, segmentMs, age int64 }{
		{-1, 0, never},
		{-1, 7 * day, 7 * day},
		{-1, 1, 1},
		{math.MaxInt64, math.MaxInt64, never},
		{2000, 500, 500},
		{2000, 7 * day, 2000}, // a record may stay 5 s longer than it has to
		{20_000, 5000, 2000},
		{4 * day, day, day - 3000}, // or a quarter
		{4 * day, day / 2, day / 2},
	} {
		r := Retention{Ms: row.retentionMs, Bytes: -1, SegmentMs: row.segmentMs}
		p := open(t, segmenttest.New(), Config{Retention: r})
		due := func(steady int64) bool { return p.RollDue(segment.Moment{Wall: year2026, Steady: steady}) }
		if due(never) || p.NextLook() < never {
			t.Errorf("%+v: an empty segment is to be sealed", row)
		}
		for i, ts := range []int64{year1970, year2026, year2262} {
			now := segment.Moment{Wall: year2026, Steady: 1000 + int64(i)*row.age/4}
			if err := p.Append(now, []*broker.Part{part(ts, 1)}); err != nil {
				t.Fatal(err)
			}
		}
		if due(999+row.age) || row.age < never && (!due(1000+row.age) || p.NextLook() != 1000+row.age) {
			t.Errorf("%+v: due at %d", row, p.NextLook()-1000)
		}
		roll(t, p)
		if due(1000 + row.age) {
			t.Errorf("%+v: due again", row)
		}
	}
}

// Only segments that end at or before an offset go, be it by one record.
func TestTrimBefore(t *testing.T) {
	p := open(t, segmenttest.New(), Config{Retention: unbounded})
	for range 4 {
		if err := p.Append(at(1), []*broker.Part{part(1, 1)}); err != nil {
			t.Fatal(err)
		}
		roll(t, p)
	}
	for _, row := range []struct{ before, start int64 }{{0, 0}, {1, 1}, {1, 1}, {3, 3}, {9, 4}} {
		if err := p.TrimBefore(row.before).Run(); err != nil || p.Start() != row.start {
			t.Errorf("before %d: the log starts at %d, %v", row.before, p.Start(), err)
		}
	}
}

// A change of the segment size holds from the next append on.
func TestSegmentSizeChanges(t *testing.T) {
	p := open(t, segmenttest.New(), Config{Retention: Retention{Ms: -1, Bytes: -1, SegmentBytes: 1 << 20}})
	fill(t, p, 1, 20)
	p.SetRetention(Retention{Ms: -1, Bytes: -1, SegmentBytes: 200})
	fill(t, p, 1, 10)
	if s := p.Stats(); s.Segments < 6 {
		t.Errorf("%+v", s)
	}
}
