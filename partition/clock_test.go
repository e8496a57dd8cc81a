package partition

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment"
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
			if err := p.Append(at(moment.Draw(t, "now")), group); err != nil {
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
		offset, ts, ok, err := v.Find(segment.TimeSearch{Millis: at})
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

// Age goes by a clock that nobody sets: one that is wrong never makes retention take what has just been written, nor keeps
// it from taking what is old.
func TestRetentionWithAnyClock(t *testing.T) {
	for name, row := range map[string]struct {
		record, written, now, elapsed int64
		expired                       bool
	}{
		"old enough":                             {year2026, year2026, year2026 + 8*day, 8 * day, true},
		"not old enough":                         {year2026, year2026, year2026 + 6*day, 6 * day, false},
		"replayed history":                       {year1970, year2026, year2026 + day, day, false},
		"replayed history, old enough":           {year1970, year2026, year2026 + 8*day, 8 * day, true},
		"a record of the future":                 {year2262, year2026, year2026 + day, day, false},
		"a record of the future, old enough":     {year2262, year2026, year2026 + 8*day, 8 * day, true},
		"the clock went back after writing":      {year2026, year2026, year1970 + day, day, false},
		"written while the clock was in 2262":    {year2262, year2262, year2026, day, false},
		"written in 2262, and that is long ago":  {year2262, year2262, year2026, 8 * day, true},
		"written while the clock was in 1970":    {year1970, year1970, year1970 + day, day, false},
		"written in 1970, then the clock is set": {year1970, year1970, year2026, day, false},
	} {
		p := open(t, segmenttest.New(), Config{Retention: Retention{Ms: 7 * day, Bytes: -1, SegmentBytes: 400}})
		if err := p.Append(segment.Moment{Wall: row.written}, []*broker.Part{part(row.record, 3)}); err != nil {
			t.Fatal(err)
		}
		roll(t, p)
		now := segment.Moment{Wall: row.now, Steady: row.elapsed}
		if err := p.Append(now, []*broker.Part{part(row.now, 1)}); err != nil {
			t.Fatal(err)
		}
		if job := p.TrimBefore(p.Expired(now)); job.Empty() == row.expired {
			t.Errorf("%s: expired %v", name, !job.Empty())
		}
		if p.RollDue(now) {
			t.Errorf("%s: what has just been written is to be sealed", name)
		}
	}
}

// What was there before this process has the age of its file, unless that can't be right: a time in the future says
// nothing, and one that is long before its records was lost. Then it is as old as we have seen it.
func TestAgeOfWhatIsFound(t *testing.T) {
	const hour = day / 24
	for name, row := range map[string]struct {
		record, file, opened, elapsed int64
		expired                       bool
	}{
		"old enough":                         {year2026, year2026, year2026 + 8*day, 0, true},
		"not old enough":                     {year2026, year2026, year2026 + 6*day, 0, false},
		"old enough after a while":           {year2026, year2026, year2026 + 6*day, 2 * day, true},
		"replayed history":                   {year1970, year2026, year2026 + day, 0, false},
		"replayed history, old enough":       {year1970, year2026, year2026 + 8*day, 0, true},
		"a record of the future":             {year2262, year2026, year2026 + day, 0, false},
		"a record of the future, old enough": {year2262, year2026, year2026 + 8*day, 0, true},
		"a record ahead of its arrival":      {year2026 + hour, year2026, year2026 + 7*day + hour/2, 0, true},
		"a file of the future":               {year2026, year2262, year2026 + 8*day, 6 * day, false},
		"a file of the future, after a week": {year2026, year2262, year2026 + 8*day, 8 * day, true},
		"history in a file of the future":    {year1970, year2262, year2026, 0, false},
		"a file without its time":            {year2026, year1970, year2026 + 6*day, 0, false},
		"a file without its time, old":       {year2026, year1970, year2026 + 8*day, 0, true},
		"the clock begins in 1970":           {year2026, year2026, year1970, day, false},
		"it does so, and a week goes by":     {year2026, year2026, year1970, 8 * day, true},
	} {
		fs := segmenttest.New()
		c := Config{Retention: Retention{Ms: 7 * day, Bytes: -1}}
		p := open(t, fs, c)
		if err := p.Append(at(1), []*broker.Part{part(row.record, 3)}); err != nil {
			t.Fatal(err)
		}
		roll(t, p)
		if err := p.Close(false); err != nil {
			t.Fatal(err)
		}
		fs.SetModTime("p-0/00000000000000000000.log", row.file)
		c.Now = segment.Moment{Wall: row.opened, Steady: 1234}
		p = open(t, fs, c)
		now := segment.Moment{Wall: year2026, Steady: 1234 + row.elapsed}
		if look := p.NextLook(); (look <= now.Steady) != row.expired {
			t.Errorf("%s: the next look is at %d, now is %d", name, look, now.Steady)
		}
		if job := p.TrimBefore(p.Expired(now)); job.Empty() == row.expired {
			t.Errorf("%s: expired %v", name, !job.Empty())
		}
	}
}

// After a restart nobody knows when the first record of the active segment came. Its timestamp tells, within what the
// files say; without either the segment is sealed at once, rather than kept for too long.
func TestAFoundSegmentRollsInTime(t *testing.T) {
	const hour = day / 24
	for name, row := range map[string]struct {
		first int64 // timestamp
		rest  int64 // file time of the segment before, 0: there is none
		due   int64 // how long after the start
	}{
		"as its record says":                   {year2026 - 5*hour, year2026 - 6*hour, 19 * hour},
		"without a segment before":             {year2026 - 5*hour, 0, 19 * hour},
		"history is no older than its arrival": {year1970, year2026 - 6*hour, 18 * hour},
		"history without a segment before":     {year1970, 0, 0},
		"a record of the future":               {year2026 + hour, year2026 - 6*hour, 18 * hour},
		"no clue":                              {year2026 + hour, 0, 0},
		"no younger than its last record":      {year2026 - hour/2, year2026 - 6*hour, 23 * hour},
	} {
		fs := segmenttest.New()
		c := Config{Retention: Retention{Ms: -1, Bytes: -1, SegmentMs: day}}
		p := open(t, fs, c)
		if row.rest != 0 {
			fill(t, p, row.rest, 1)
			roll(t, p)
		}
		base := p.Next()
		fill(t, p, row.first, 1)
		if err := p.Close(false); err != nil {
			t.Fatal(err)
		}
		if row.rest != 0 {
			fs.SetModTime("p-0/00000000000000000000.log", row.rest)
		}
		fs.SetModTime(fmt.Sprintf("p-0/%020d.log", base), year2026-hour)
		c.Now = segment.Moment{Wall: year2026, Steady: 10 * day}
		p = open(t, fs, c)
		if due := max(p.NextLook()-c.Now.Steady, 0); due != row.due {
			t.Errorf("%s: due after %d minutes, want %d", name, due/60_000, row.due/60_000)
		}
	}
}
