package partition

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

const (
	year1970 = int64(0)
	year2026 = int64(1_768_471_200_000)
	year2262 = int64(9_223_372_036_854)
	day      = int64(86_400_000)
)

// Whatever clocks say, now and in records, a time query gives the first record that is not older, and the time index
// only grows: what is found is what reading every record finds, before and after a restart.
func TestTimeQueriesWithAnyClock(t *testing.T) {
	moment := rapid.OneOf(
		rapid.SampledFrom([]int64{year1970, year1970 + 1, year2026, year2262, year2262 - 1}), rapid.Int64Range(year2026, year2026+50))
	rapid.Check(t, func(t *rapid.T) {
		fs := segmenttest.New()
		_ = fs.Mkdir("p-0")
		config := Config{FS: fs, Dir: "p-0", Retention: Retention{Ms: -1, Bytes: -1, SegmentBytes: 9000}}
		p, _, err := Open(config)
		if err != nil {
			t.Fatal(err)
		}
		var times []int64
		for range rapid.IntRange(1, 40).Draw(t, "batches") {
			var b batch.Builder
			for range rapid.IntRange(1, 4).Draw(t, "records") {
				ts := moment.Draw(t, "ts")
				b.Add(ts, nil, make([]byte, 400))
				times = append(times, ts)
			}
			group := []*broker.Part{{Batch: b.Finish()}}
			if p.Fit(group) == 0 {
				if err := p.Seal(true).Run(); err != nil {
					t.Fatal(err)
				}
				if err := p.Roll(); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Append(moment.Draw(t, "now"), group); err != nil {
				t.Fatal(err)
			}
		}
		compareTimes(t, p, times)
		if err := p.Close(false); err != nil {
			t.Fatal(err)
		}
		for _, name := range fs.Names(".timeindex") {
			growing(t, name, fs.Bytes(name))
		}
		if p, _, err = Open(config); err != nil {
			t.Fatal(err)
		}
		compareTimes(t, p, times)
		_ = p.Close(true)
	})
}

func compareTimes(t *rapid.T, p *Partition, times []int64) {
	v := p.View()
	defer v.Close()
	for _, at := range []int64{-1, year1970, year1970 + 1, year2026, year2026 + 25, year2026 + 50, year2262, year2262 + 1} {
		want := int64(-1)
		for offset, ts := range times {
			if ts >= at {
				want = int64(offset)
				break
			}
		}
		offset, ts, ok, err := v.Find(at)
		if err != nil || ok != (want >= 0) || ok && (offset != want || ts != times[want]) {
			t.Fatalf("from %d: offset %d at %d, %v, %v; reading every record gives %d", at, offset, ts, ok, err, want)
		}
	}
}

// growing wants a time index as Kafka has it: entries of 12 bytes, times and offsets strictly larger each.
func growing(t *rapid.T, name string, index []byte) {
	lastTime, lastOffset := int64(-1), int64(-1)
	for ; len(index) >= 12; index = index[12:] {
		ts, offset := int64(binary.BigEndian.Uint64(index)), int64(binary.BigEndian.Uint32(index[8:]))
		if ts <= lastTime || offset <= lastOffset {
			t.Fatalf("%s: %d at %d after %d at %d", name, ts, offset, lastTime, lastOffset)
		}
		lastTime, lastOffset = ts, offset
	}
	if len(index) > 0 {
		t.Fatalf("%s: %d bytes after the last entry", name, len(index))
	}
}

// Retention by time goes by the newest moment that records and file speak of and that is not in the future. A clock that
// is wrong never makes it take what has just been written.
func TestRetentionWithAnyClock(t *testing.T) {
	for name, row := range map[string]struct {
		record, written, now int64
		expired              bool
	}{
		"old enough":                          {year2026, year2026, year2026 + 8*day, true},
		"not old enough":                      {year2026, year2026, year2026 + 6*day, false},
		"replayed history":                    {year1970, year2026, year2026 + day, false},
		"replayed history, old enough":        {year1970, year2026, year2026 + 8*day, true},
		"a record of the future":              {year2262, year2026, year2026 + day, false},
		"a record of the future, old enough":  {year2262, year2026, year2026 + 8*day, true},
		"the clock went back after writing":   {year2026, year2026, year1970 + day, false},
		"written while the clock was in 2262": {year2262, year2262, year2026, false},
		"written while the clock was in 1970": {year1970, year1970, year1970 + day, false},
	} {
		p := open(t, segmenttest.New(), Config{Retention: Retention{Ms: 7 * day, Bytes: -1, SegmentBytes: 400}})
		if err := p.Append(row.written, []*broker.Part{part(row.record, 3)}); err != nil {
			t.Fatal(err)
		}
		roll(t, p)
		if err := p.Append(row.now, []*broker.Part{part(row.now, 1)}); err != nil {
			t.Fatal(err)
		}
		if job := p.Expire(row.now); job.Empty() == row.expired {
			t.Errorf("%s: expired %v", name, !job.Empty())
		}
		if p.ActiveExpired(row.now) {
			t.Errorf("%s: what has just been written is expired", name)
		}
	}
}
