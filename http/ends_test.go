package http

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flashq/actor"
	"flashq/http/fetch"
	"flashq/segment/segmenttest"
)

// stamped stores one record for each time, in milliseconds, a request each; the values say their offsets.
func (f *fixture) stamped(topic string, partition int, times ...int) {
	f.Helper()
	for i, ts := range times {
		f.produce(fmt.Sprintf("/topics/%s/records?partition=%d", topic, partition), fmt.Sprintf(`{"value":"%d","timestamp":%d}`, i, ts))
	}
}

// at is a time of so many milliseconds in a query.
func at(millis int) string {
	return time.UnixMilli(int64(millis)).UTC().Format("2006-01-02T15:04:05.000Z")
}

// A start beyond the end stays where it is, and says how far that is from all there is.
func TestBeyondTheEnd(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	f.numbered("news", 0, 0, 3)
	for _, query := range []string{"partition=0&from_offset=10", "partition=0&position=0:10"} {
		got := f.fetch("/topics/news/records?" + query)
		if got.Position != "0:10" || *got.NextOffset != 10 || *got.HighWaterMark != 3 || got.Lag != 0 || got.Partitions[0].Beyond != 7 {
			t.Errorf("%s: %+v", query, got)
		}
	}
	if body := f.get("/topics/news/records?partition=0&from_offset=3").body; strings.Contains(body, "beyond") {
		t.Errorf("the end is not beyond it: %s", body)
	}
	a := f.get("/topics/news/records?from_offset=5", "Accept", "application/x-ndjson").want(t, 200)
	if got := a.header.Get("FlashQ-Beyond"); got != "0:2,1:5" {
		t.Errorf("FlashQ-Beyond %q", got)
	}
	if a := f.get("/topics/news/records", "Accept", "application/x-ndjson"); a.header.Get("FlashQ-Beyond") != "" {
		t.Errorf("%v", a.header)
	}
}

// Reading ends before the first record that is not older than to_time, wherever later ones stand; so the position passes
// nothing that was not delivered, and who goes on from there misses nothing.
func TestToTimeEndsTheReading(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	f.stamped("news", 0, 10, 90, 20, 80)
	f.stamped("news", 1, 30, 40)
	f.stamped("news", 2, 70)
	got := f.fetch("/topics/news/records?to_time=" + at(50))
	if got.values() != "0 0 1" || got.Position != "0:1,1:2,2:0" || got.Lag != 0 {
		t.Errorf("%s at %s, lag %d", got.values(), got.Position, got.Lag)
	}
	for p, want := range []int64{1, 2, 0} {
		if s := got.Partitions[p]; s.End == nil || *s.End != want || s.NextOffset > want {
			t.Errorf("%+v does not end at %d", s, want)
		}
	}
	if rest := f.fetch("/topics/news/records?position=" + got.Position).values(); rest != "1 2 3 0" {
		t.Errorf("what is left: %s", rest)
	}
	if body := f.get("/topics/news/records").body; strings.Contains(body, `"end"`) {
		t.Errorf("an end that nobody asked for: %s", body)
	}
	past := f.fetch("/topics/news/records?partition=0&from_offset=3&to_time=" + at(50))
	if past.values() != "" || past.Position != "0:3" || past.Lag != 0 || *past.Partitions[0].End != 1 || past.Partitions[0].Beyond != 0 {
		t.Errorf("a start past the end: %+v", past)
	}
	for query, want := range map[string]string{
		"from_time=" + at(20) + "&to_time=" + at(85): "1:0,2:0", "to_time=" + at(91): "0:4,1:2,2:1", "to_time=" + at(0): "0:0,1:0,2:0",
	} {
		if got := f.fetch("/topics/news/records?" + query); !strings.HasSuffix(got.Position, want) && got.Position != "0:1,1:2,2:1" {
			t.Errorf("%s: %s", query, got.Position)
		}
	}
}

// Reading until lag is 0 reads exactly the range, page by page, within batches too.
func TestToTimeInPages(t *testing.T) {
	f := start(t, Config{})
	var records []string
	for i := range 50 {
		records = append(records, fmt.Sprintf(`{"value":"%d","timestamp":%d}`, i, 1000+i))
	}
	f.produce("/topics/news/records", records...)
	query, taken := "", 0
	for range 20 {
		got := f.fetch("/topics/news/records?max_records=4&to_time=" + at(1030) + query)
		taken += len(got.Records)
		if want := int64(30 - taken); got.Lag != want {
			t.Fatalf("lag %d after %d records", got.Lag, taken)
		}
		if query = "&position=" + got.Position; got.Lag == 0 {
			break
		}
	}
	if taken != 30 || query != "&position=0:30" {
		t.Errorf("%d records, then %s", taken, query)
	}
}

// Times are compared record by record in compressed batches, too.
func TestTimesInCompressedBatches(t *testing.T) {
	f := start(t, Config{})
	pack := func(p []byte) []byte { return []byte(zstded(t, string(p))) }
	f.store(packed(4, pack, "a", "b", "c", "d")) // at 1000 to 1003
	if got := f.fetch("/topics/news/records?to_time=" + at(1002)); got.values() != "a b" || got.Position != "0:2" || got.Lag != 0 {
		t.Errorf("%s at %s", got.values(), got.Position)
	}
	if got := f.fetch("/topics/news/records?from_time=" + at(1002)).values(); got != "c d" {
		t.Error(got)
	}
	want := `{"partitions":[{"partition":0,"offset":3,"timestamp":"1970-01-01T00:00:01.003Z"}],"position":"0:3"}`
	if got := f.get("/topics/news/offsets?at="+at(1003)).want(t, 200).body; got != want {
		t.Error(got)
	}
}

// A group that reads up to a time and acknowledges gets the rest later, as a member and without.
func TestToTimeOfAGroup(t *testing.T) {
	f := start(t, Config{})
	f.stamped("news", 0, 10, 20, 90, 30)
	for _, who := range []string{"group=g", "group=h&member=m"} {
		got := f.fetch("/topics/news/records?to_time=" + at(50) + "&" + who)
		if got.values() != "0 1" || got.Lag != 0 {
			t.Errorf("%s: %s, lag %d", who, got.values(), got.Lag)
		}
		if rest := f.fetch("/topics/news/records?" + who + "&ack=" + got.Position).values(); rest != "2 3" {
			t.Errorf("%s: then %s", who, rest)
		}
	}
}

// Nothing waits for what can't come: an end is fixed once a record that is late enough is stored. Until then a fetch
// waits, and ends with that record.
func TestToTimeAndWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", `{"partitions":2}`)
		f.stamped("news", 0, 10, 90)
		f.stamped("news", 1, 20, 80)
		begun := time.Now()
		for _, query := range []string{"position=0:1,1:1", "from_offset=9", "min_bytes=1000"} {
			f.get("/topics/news/records?timeout_ms=60000&to_time="+at(50)+"&"+query).want(t, 200)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("waited %v for nothing", waited)
		}
		done := f.later("/topics/news/records?timeout_ms=60000&position=0:1,1:2&to_time=" + at(85))
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=0", `{"value":"not for it","timestamp":30}`)
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=1", `{"value":"in time","timestamp":84}`)
		if got := values(t, <-done); got != "in time" {
			t.Errorf("%q", got)
		}
		done = f.later("/topics/news/records?timeout_ms=60000&position=0:1,1:3&to_time=" + at(85))
		f.stillWaits(done)
		f.produce("/topics/news/records?partition=1", `{"value":"too late","timestamp":85}`)
		if a := <-done; values(t, a) != "" || !strings.Contains(a.body, `"position":"0:1,1:3"`) {
			t.Error(a.body)
		}
	})
}

// Damage before the end is told, not taken for it.
func TestToTimeAndDamage(t *testing.T) {
	f := damaged(t) // at offset 3 of 0 to 5; all have the broker's time
	now := time.Now().UnixMilli()
	f.produce("/topics/news/records?partition=0", fmt.Sprintf(`{"value":"late","timestamp":%d}`, now+1_800_000))
	query := fmt.Sprintf("/topics/news/records?partition=0&to_time=%d", now+900_000)
	got := f.fetch(query)
	p := got.Partitions[0]
	if got.values() != "value-0 value-1 value-2" || got.Position != "0:3" || got.Lag != 3 || *p.End != 6 ||
		p.Error == nil || p.Error.First != 3 || p.Error.NextGood != 4 {
		t.Errorf("%s at %s, lag %d: %+v", got.values(), got.Position, got.Lag, p)
	}
	if got := f.fetch(query + "&from_offset=4"); got.values() != "value-4 value-5" || got.Lag != 0 || got.Position != "0:6" {
		t.Errorf("%s at %s, lag %d", got.values(), got.Position, got.Lag)
	}
	details := f.get(fmt.Sprintf("/topics/news/records?partition=0&from_time=%d", now+900_000)).wantError(t, 500, "corrupt_data")
	if details["first_offset"] != 3.0 { // it may be what was asked for
		t.Errorf("%v", details)
	}
}

// segmented is a topic of two partitions on files: 0 has a record of each offset below 12, four to a segment or so.
func segmented(t *testing.T) (f *fixture, logs []string) {
	t.Helper()
	dir := t.TempDir()
	f = startOver(t, Config{MaxWaiters: -1}, actor.Config{Dir: dir})
	f.createTopic("news", `{"partitions":2,"segment_bytes":2048}`)
	for i := range 12 {
		f.produce("/topics/news/records?partition=0",
			fmt.Sprintf(`{"key":"%d","value":"%s","timestamp":%d}`, i, strings.Repeat("x", 700), 1000+i))
	}
	f.produce("/topics/news/records?partition=1", `{"value":"other","timestamp":1000}`)
	logs, err := filepath.Glob(filepath.Join(dir, "news-0", "*.log"))
	if err != nil || len(logs) < 4 {
		t.Fatal(logs, err)
	}
	return f, logs
}

// A file that can't be read costs its own records: what is before it comes, and so do the other partitions; the position
// stays, and when the file is well again its records come.
func TestAFileThatCantBeRead(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"it can't be opened": func(file string) error { return os.Mkdir(file, 0o755) },
		"it is gone":         func(string) error { return nil },
	} {
		f, logs := segmented(t)
		var first, next int64
		for i, offset := range []*int64{&first, &next} {
			if _, err := fmt.Sscanf(filepath.Base(logs[1+i]), "%d.log", offset); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Rename(logs[1], logs[1]+".away"); err != nil {
			t.Fatal(err)
		}
		if err := spoil(logs[1]); err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{"", "&group=g", "&to_time=" + at(1011), "&timeout_ms=60000&min_bytes=100000"} {
			got := f.fetch("/topics/news/records?max_records=100" + query)
			e := got.Partitions[0].Error
			if int64(len(got.Records)) != first+1 || got.Position != fmt.Sprintf("0:%d,1:1", first) || e == nil || got.Partitions[1].Error != nil ||
				e.Error != "storage_error" || !e.Retryable || e.First != first || e.Next != next {
				t.Errorf("%s, %s: %d records to %s: %+v", name, query, len(got.Records), got.Position, e)
			}
		}
		for _, query := range []string{fmt.Sprint("from_offset=", first), "from_time=" + at(1000+int(first)), fmt.Sprint("from_offset=", next, "&to_time=", at(1000+int(first)))} {
			details := f.get("/topics/news/records?partition=0&"+query).wantError(t, 503, "storage_error")
			if details["partition"] != 0.0 || details["first_offset"] != float64(first) || details["next_offset"] != float64(next) {
				t.Errorf("%s, %s: %v", name, query, details)
			}
		}
		if got := f.fetch(fmt.Sprintf("/topics/news/records?partition=0&from_offset=%d", next)); int64(len(got.Records)) != 12-next {
			t.Errorf("%s: %d records after it", name, len(got.Records))
		}
		lines := f.get("/topics/news/records", "Accept", "application/x-ndjson").want(t, 200)
		want := fmt.Sprintf(`[{"error":"storage_error","retryable":true,"partition":0,"first_offset":%d,"next_offset":%d}]`, first, next)
		if lines.header.Get("FlashQ-Error") != want {
			t.Errorf("%s: %v", name, lines.header)
		}
		f.post("/groups/g/offsets", fmt.Sprintf(`{"offsets":[{"topic":"news","partition":0,"offset":%d}]}`, first)).want(t, 200)
		f.get("/groups/g/offsets").want(t, 200)
		_ = os.Remove(logs[1])
		if err := os.Rename(logs[1]+".away", logs[1]); err != nil {
			t.Fatal(err)
		}
		if got := f.fetch("/topics/news/records"); len(got.Records) != 13 || got.Partitions[0].Error != nil {
			t.Errorf("%s: %d records when it is well again", name, len(got.Records))
		}
	}
}

// Missing descriptors are nobody's damage: the whole fetch is to be tried again.
func TestNoDescriptorsLeft(t *testing.T) {
	fs := segmenttest.New()
	f := startOver(t, Config{}, actor.Config{FS: fs})
	f.createTopic("news", `{"partitions":2,"segment_bytes":1024}`)
	for range 4 {
		f.produce("/topics/news/records?partition=0", `{"value":"`+strings.Repeat("x", 700)+`"}`)
	}
	fs.FailFrom(segmenttest.OpOpen, 1, syscall.EMFILE)
	a := f.get("/topics/news/records")
	a.wantError(t, 503, "too_many_open_files")
	if a.header.Get("Retry-After") == "" {
		t.Error(a.header)
	}
	fs.Heal()
	f.get("/topics/news/records").want(t, 200)
}

// A search that has to read on ends with the server, waits for its turn among the others, and takes no more room than
// there is. What the index answers is not bound by that.
func TestSearchesAreBounded(t *testing.T) {
	fs := segmenttest.New()
	f := startOver(t, Config{MaxInflightBytes: 16 << 20}, actor.Config{FS: fs})
	f.createTopic("news", `{"segment_bytes":1000000}`)
	f.stamped("news", 0, 10)
	for range 2 {
		f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 400_000)+`","timestamp":5}`)
	}
	f.produce("/topics/news/records", `{"value":"late","timestamp":90}`)
	f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 400_000)+`","timestamp":5}`) // rolls
	for _, name := range fs.Names("00000.timeindex") {
		fs.SetBytes(name, []byte{})
	}
	const long = "/topics/news/records?max_bytes=1&from_time="
	if got := f.fetch(long + at(50)).values(); got != "late" {
		t.Fatal(got)
	}
	f.s.bounds.answers.Take(16<<20 - 1000)
	f.get(long+at(50)).wantError(t, 429, "overloaded")
	f.s.bounds.answers.Give(16<<20 - 1000)
	for range fetch.MostSearches {
		f.s.fetches.Searches <- struct{}{}
	}
	if got := f.fetch(long + at(0)).Records[0].Offset; got != 0 {
		t.Errorf("a search that needs no turn found %d", got)
	}
	done := f.later(long + at(50))
	eventually(t, "a search waits for its turn", func() bool { return f.s.bounds.answers.Used() > 0 })
	<-f.s.fetches.Searches
	if got := values(t, <-done); got != "late" {
		t.Error(got)
	}
	f.s.fetches.Searches <- struct{}{}
	done = f.later(long + at(50))
	eventually(t, "another one waits", func() bool { return f.s.bounds.answers.Used() > 0 })
	f.s.Drain()
	(<-done).wantError(t, 503, "draining")
	if used := f.s.bounds.answers.Used(); used != 0 || len(f.s.fetches.Searches) != fetch.MostSearches {
		t.Errorf("%d bytes are held, %d slots", used, len(f.s.fetches.Searches))
	}
}
