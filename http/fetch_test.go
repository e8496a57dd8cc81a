package http

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flashq/actor"
)

// numbered stores records with the values from..to-1, one a request so that each is a batch of its own.
func (f *fixture) numbered(topic string, partition, from, to int) {
	f.Helper()
	for i := from; i < to; i++ {
		f.produce(fmt.Sprintf("/topics/%s/records?partition=%d", topic, partition), fmt.Sprintf(`{"value":"%d"}`, i))
	}
}

// batched stores the same records as one batch.
func (f *fixture) batched(topic string, partition, from, to int) {
	f.Helper()
	var records []string
	for i := from; i < to; i++ {
		records = append(records, fmt.Sprintf(`{"value":"%d"}`, i))
	}
	f.produce(fmt.Sprintf("/topics/%s/records?partition=%d", topic, partition), records...)
}

func TestFetchAnswer(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	f.produce("/topics/news/records?partition=1", `{"key":"u1","value":{"x": 1},"headers":{"a":"b"},"timestamp":1000}`,
		`{"value":null,"timestamp":2000}`)
	want := `{"records":[{"partition":1,"offset":0,"timestamp":"1970-01-01T00:00:01.000Z","key":"u1",` +
		`"value":"{\"x\": 1}","headers":{"a":"b"}}],"next_offset":1,"high_water_mark":2,"lag":1,"position":"1:1",` +
		`"partitions":[{"partition":1,"next_offset":1,"high_water_mark":2,"earliest":0,"gap":0}]}`
	if got := f.get("/topics/news/records?partition=1&max_records=1").want(t, 200).body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `{"records":[],"lag":0,"position":"0:0,1:2","partitions":[` +
		`{"partition":0,"next_offset":0,"high_water_mark":0,"earliest":0,"gap":0},` +
		`{"partition":1,"next_offset":2,"high_water_mark":2,"earliest":0,"gap":0}]}`
	if got := f.get("/topics/news/records?from_offset=latest&partition=1,0,1").want(t, 200).body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f.get("/topics/news/records?partition=0,2").wantError(t, 404, "partition_not_found")
	f.get("/topics/none/records").wantError(t, 404, "topic_not_found")
}

func TestNDJSONAnswer(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a","timestamp":0}`, `{"value":"b","timestamp":0}`)
	a := f.get("/topics/news/records", "Accept", "application/x-ndjson").want(t, 200)
	const tail = `,"timestamp":"1970-01-01T00:00:00.000Z","key":null,"value":`
	want := `{"partition":0,"offset":0` + tail + `"a","headers":null}` + "\n" +
		`{"partition":0,"offset":1` + tail + `"b","headers":null}` + "\n"
	if a.body != want || a.header.Get("FlashQ-Position") != "0:2" {
		t.Errorf("%s %v", a.body, a.header)
	}
	empty := f.get("/topics/news/records?from_offset=latest", "Accept", "application/x-ndjson").want(t, 200)
	if empty.body != "" || empty.header.Get("FlashQ-Position") != "0:2" || empty.header.Get("FlashQ-Gap") != "" {
		t.Errorf("%q %v", empty.body, empty.header)
	}
}

func TestStarts(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	for i := range 5 {
		f.produce("/topics/news/records?partition=0", fmt.Sprintf(`{"value":"%d","timestamp":%d}`, i, 1000+10*i))
	}
	f.produce("/topics/news/records?partition=1", `{"value":"x","timestamp":1020}`, `{"value":"y","timestamp":1050}`)
	for query, want := range map[string]string{
		"partition=0":                                                         "0 1 2 3 4",
		"partition=0&from_offset=earliest":                                    "0 1 2 3 4",
		"partition=0&from_offset=latest":                                      "",
		"partition=0&from_offset=3":                                           "3 4",
		"partition=0&from_offset=5":                                           "",
		"partition=0&from_offset=99":                                          "",
		"partition=0&from_offset=-2":                                          "3 4",
		"partition=0&from_offset=-9":                                          "0 1 2 3 4",
		"partition=0&from_offset=9223372036854775807":                         "",
		"from_offset=-1":                                                      "4 y",
		"from_offset=1":                                                       "1 2 3 4 y",
		"partition=0&from_time=1970-01-01T00:00:01.020Z":                      "2 3 4",
		"partition=0&from_time=1970-01-01T00:00:01.021Z":                      "3 4",
		"partition=0&from_time=1970-01-01T00:00:09.999Z":                      "",
		"partition=0&from_time=1970-01-01T00:00:01.03Z":                       "3 4",
		"partition=0&from_time=1970-01-01T01:00:01.03+01:00":                  "3 4", // the + arrives as a space
		"from_time=1970-01-01T00:00:01.030Z":                                  "3 4 y",
		"from_time=1970-01-01T00:00:01.010Z&to_time=1970-01-01T00:00:01.040Z": "1 2 3 x",
		"to_time=1970-01-01T00:00:01.000Z":                                    "",
		"partition=0&from_time=-1h":                                           "",
		"position=0:3":                                                        "x y 3 4", // no order is promised here
		"position=0:3,1:1":                                                    "3 4 y",
		"position=0:3,7:1&partition=0":                                        "3 4",
		"position=1:1&partition=1":                                            "y",
	} {
		if got := f.fetch("/topics/news/records?" + query).values(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	f.get("/topics/news/records?position=2:0").wantError(t, 404, "partition_not_found")
}

func TestPositionContinuesWithoutLossOrRepeat(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	want := map[string]bool{}
	for p := range 3 {
		f.batched("news", p, 100*p, 100*p+30+p)
		for i := 100 * p; i < 100*p+30+p; i++ {
			want[fmt.Sprint(i)] = true
		}
	}
	query := "max_records=7"
	for {
		got := f.fetch("/topics/news/records?" + query)
		if len(got.Records) == 0 {
			break
		}
		for _, r := range got.Records {
			if !want[*r.Value] {
				t.Fatalf("%s came twice", *r.Value)
			}
			delete(want, *r.Value)
		}
		query = "max_records=7&position=" + got.Position
	}
	if len(want) != 0 {
		t.Errorf("%d records never came: %v", len(want), want)
	}
}

func TestAShortAnswerMeansNothingMoreWasThere(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":4}`)
	f.batched("news", 0, 0, 50)
	f.numbered("news", 1, 100, 103)
	f.numbered("news", 3, 300, 301)
	for records, want := range map[int]int{1: 1, 2: 2, 10: 10, 53: 53, 54: 54, 100: 54} {
		got := f.fetch(fmt.Sprintf("/topics/news/records?max_records=%d", records))
		if len(got.Records) != want || got.Lag != int64(54-want) {
			t.Errorf("max_records %d: %d records, lag %d", records, len(got.Records), got.Lag)
		}
	}
}

func TestPartitionsShareTheBudgetFairly(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	for p := range 3 {
		f.batched("news", p, 0, 100)
	}
	for _, limit := range []string{"max_records=30", "max_bytes=57"} { // 1 byte each up to 9, then 2
		taken := map[int]int{}
		for _, r := range f.fetch("/topics/news/records?" + limit).Records {
			taken[r.Partition]++
		}
		for p := range 3 {
			if taken[p] < 9 || taken[p] > 15 {
				t.Errorf("%s: %v", limit, taken)
			}
		}
	}
}

// Where the budget is too small for a record of each partition, they take turns: a busy one does not starve the others.
func TestPartitionsTakeTurnsWhenTheBudgetIsSmall(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	for p := range 3 {
		f.numbered("news", p, 100*p, 100*p+20)
	}
	for _, limit := range []string{"max_records=1", "max_records=2", "max_bytes=1"} {
		taken := map[int]int{}
		query := limit
		for range 6 {
			got := f.fetch("/topics/news/records?" + query)
			for _, r := range got.Records {
				taken[r.Partition]++
			}
			query = limit + "&position=" + got.Position
		}
		for p := range 3 {
			if taken[p] < 1 {
				t.Errorf("%s: partition %d got nothing in six fetches: %v", limit, p, taken)
			}
		}
	}
}

func TestMaxBytes(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records",
		`{"value":"0123456789"}`, `{"key":"01","value":"01234","headers":{"a":"12"}}`, `{"value":"0"}`)
	for limit, want := range map[int]int{1: 1, 10: 1, 19: 1, 20: 2, 21: 3, 1000: 3} {
		if got := len(f.fetch(fmt.Sprintf("/topics/news/records?max_bytes=%d", limit)).Records); got != want {
			t.Errorf("max_bytes %d: %d records, want %d", limit, got, want)
		}
	}
	// A record that is larger than what is left does not keep another partition's from coming.
	f.createTopic("two", `{"partitions":2}`)
	f.produce("/topics/two/records?partition=0", `{"value":"a"}`, `{"value":"`+strings.Repeat("b", 50)+`"}`)
	f.produce("/topics/two/records?partition=1", `{"value":"c"}`, `{"value":"d"}`, `{"value":"e"}`)
	got := f.fetch("/topics/two/records?max_bytes=20")
	if got.values() != "a c d e" || got.Position != "0:1,1:3" {
		t.Errorf("%q at %s", got.values(), got.Position)
	}
}

func TestLargeRecordsAndAnswers(t *testing.T) {
	f := start(t, Config{})
	big := strings.Repeat(`0123456789\n`, 90_000) // escapes grow again on the way out
	for range 3 {
		f.produce("/topics/news/records", `{"value":"`+big+`"}`)
	}
	value := strings.ReplaceAll(big, `\n`, "\n")
	got := f.fetch("/topics/news/records?max_bytes=16777216")
	if len(got.Records) != 3 || *got.Records[2].Value != value {
		t.Errorf("%d records", len(got.Records))
	}
	if got := f.fetch("/topics/news/records?max_bytes=1"); len(got.Records) != 1 || *got.Records[0].Value != value {
		t.Errorf("%d records", len(got.Records))
	}
	eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
}

func TestAnswersInFlightAreBounded(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 4 << 20})
	f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 1<<20)+`"}`)
	if !f.s.bounds.answers.Take(3 << 20) { // somebody else's answers
		t.Fatal("no room")
	}
	f.get("/topics/news/records").wantError(t, 429, "overloaded")
	f.get("/topics/news/records?from_offset=latest").want(t, 200)
	f.s.bounds.answers.Give(3 << 20)
	f.get("/topics/news/records").want(t, 200)
}

func TestShapes(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"key_base64":"/w==","value":"v","headers":{"a":"b"},"timestamp":0}`)
	head := `{"partition":0,"offset":0,"timestamp":"1970-01-01T00:00:00.000Z",`
	for query, want := range map[string]string{
		"":                      head + `"key_base64":"/w==","value":"v","headers":{"a":"b"}}`,
		"include_headers=false": head + `"key_base64":"/w==","value":"v","headers":null}`,
		"encoding=base64": head +
			`"key_base64":"/w==","value_base64":"dg==","headers":[{"key":"a","value_base64":"Yg=="}]}`,
		"encoding=json": head + `"key_base64":"/w==","value_text":"v","headers":{"a":"b"}}`,
	} {
		if got := f.get("/topics/news/records?"+query, "Accept", "application/x-ndjson").body; got != want+"\n" {
			t.Errorf("%s: %s", query, got)
		}
	}
}

// With encoding=json a value that is JSON stands as it is, and what was fetched can be sent again.
func TestJSONValuesAreEmbedded(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":{"item": 7}}`, `{"value":"{\"a\":1,\"a\":2}"}`, `{"value":"7"}`,
		`{"value":null}`, `{"value_base64":"/w=="}`, `{"value":"null"}`)
	want := []string{
		`"value":{"item": 7},`, `"value":{"a":1,"a":2},`, `"value":7,`, `"value":null,`, `"value_base64":"/w==",`,
		`"value_text":"null",`,
	}
	lines := f.get("/topics/news/records?encoding=json", "Accept", "application/x-ndjson").want(t, 200).body
	for i, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		if !strings.Contains(line, want[i]) {
			t.Errorf("%s has no %s", line, want[i])
		}
	}
	f.do("POST", "/topics/again/records", lines, "Content-Type", "application/x-ndjson").want(t, 200)
	document := f.get("/topics/news/records?encoding=json").want(t, 200).body
	records, _, _ := strings.Cut(document, `,"next_offset"`)
	f.post("/topics/again/records", records+"}").want(t, 200)
	stored := func(topic string) []string {
		all := f.get("/topics/"+topic+"/records?encoding=base64", "Accept", "application/x-ndjson").want(t, 200).body
		return regexp.MustCompile(`"value[^,]*`).FindAllString(all, -1)
	}
	if before := stored("news"); !slices.Equal(stored("again"), append(before, before...)) {
		t.Errorf("%q became %q", before, stored("again"))
	}
}

// Retention is never silent: who asks for what is gone starts at what is kept, and is told how much is missing.
func TestGap(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"segment_bytes":1024,"retention_bytes":2048}`)
	big := strings.Repeat("x", 600)
	for range 40 {
		f.produce("/topics/news/records", `{"value":"`+big+`"}`)
	}
	earliest := f.untilTrimmed("news")
	for query, gap := range map[string]int64{
		"from_offset=0": earliest, "position=0:1": earliest - 1, "from_offset=earliest": 0, "from_offset=-100": 0,
		"from_time=0": 0, "": 0,
	} {
		got := f.fetch("/topics/news/records?max_records=1&" + query)
		if p := got.Partitions[0]; p.Gap != gap || p.Earliest != earliest || got.Records[0].Offset != earliest {
			t.Errorf("%s: %+v, first record %d", query, p, got.Records[0].Offset)
		}
	}
	a := f.get("/topics/news/records?from_offset=0", "Accept", "application/x-ndjson").want(t, 200)
	if got, want := a.header.Get("FlashQ-Gap"), fmt.Sprintf("0:%d", earliest); got != want {
		t.Errorf("FlashQ-Gap %q, want %q", got, want)
	}
}

// untilTrimmed asks until retention has taken something away, and gives what is earliest then.
func (f *fixture) untilTrimmed(topic string) int64 {
	f.Helper()
	for f.Context().Err() == nil {
		if got := f.fetch("/topics/" + topic + "/records?max_records=1").Partitions[0].Earliest; got > 0 {
			return got
		}
	}
	return 0
}

// damaged is a topic on files, one batch for each of the values 0..5, where the batch of offset 3 has a flipped byte.
func damaged(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := startOver(t, Config{MaxWaiters: -1}, actor.Config{Dir: dir}) // damage must not be waited on
	f.createTopic("news", `{"partitions":2}`)
	for i := range 6 {
		f.produce("/topics/news/records?partition=0", fmt.Sprintf(`{"value":"value-%d"}`, i))
	}
	f.produce("/topics/news/records?partition=1", `{"value":"other"}`)
	logs, err := filepath.Glob(filepath.Join(dir, "news-0", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	text, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), "value-3")
	file, err := os.OpenFile(logs[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte{'V'}, int64(at)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDamageIsTold(t *testing.T) {
	f := damaged(t)
	got := f.fetch("/topics/news/records?partition=0")
	if got.values() != "value-0 value-1 value-2" || got.Position != "0:3" {
		t.Errorf("%s at %s", got.values(), got.Position)
	}
	if e := got.Partitions[0].Error; e == nil || e.Error != "corrupt_data" || e.First != 3 || e.NextGood != 4 {
		t.Errorf("%+v", e)
	}
	details := f.get("/topics/news/records?partition=0&from_offset=3&timeout_ms=60000").wantError(t, 500, "corrupt_data")
	if details["first_offset"] != 3.0 || details["next_good_offset"] != 4.0 || details["partition"] != 0.0 {
		t.Error(details)
	}
	all := f.fetch("/topics/news/records?position=0:3,1:0")
	if all.values() != "other" || all.Position != "0:3,1:1" ||
		all.Partitions[0].Error == nil || all.Partitions[1].Error != nil {
		t.Errorf("%+v", all)
	}
	behind := f.fetch("/topics/news/records?partition=0&from_offset=4")
	if behind.values() != "value-4 value-5" || behind.Partitions[0].Error != nil {
		t.Errorf("%+v", behind)
	}
	if got := f.fetch("/topics/news/records?partition=0&max_records=3"); got.Partitions[0].Error != nil {
		t.Error("damage was told that the answer had no room to meet")
	}
	lines := f.get("/topics/news/records?partition=0", "Accept", "application/x-ndjson").want(t, 200)
	want := `[{"error":"corrupt_data","partition":0,"first_offset":3,"next_good_offset":4}]`
	if strings.Count(lines.body, "\n") != 3 || lines.header.Get("FlashQ-Error") != want {
		t.Errorf("%s %v", lines.body, lines.header)
	}
}
