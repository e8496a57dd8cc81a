package client_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flashq/actor"
	"flashq/client"
	"flashq/http"
	"flashq/segment/segmenttest"
)

// Whatever bytes a record has, it comes back with the same ones: null is not "", and what is no text travels as base64.
func TestRecordsComeBackAsSent(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("all", 1)
	at := time.Date(2026, 1, 15, 10, 30, 45, 123e6, time.UTC)
	sent := []client.ProducerRecord{
		{Value: []byte("plain"), Timestamp: at},
		{Key: []byte{}, Value: []byte{}, Timestamp: at},
		{Key: []byte("key"), Value: nil, Timestamp: at},
		{Key: []byte{0xff, 0}, Value: []byte{0, 0xfe, 'a'}, Timestamp: at},
		{Value: []byte("\"\\\n\u2028<&>é\x00😀"), Timestamp: at},
		{Value: []byte("null"), Timestamp: time.UnixMilli(0)},
		{Value: []byte("h"), Timestamp: at, Headers: []client.Header{{"z", []byte("1")}, {"a", []byte("2")}, {"m", []byte{}}}},
		{Value: []byte("h"), Timestamp: at, Headers: []client.Header{{"a", []byte("1")}, {"a", nil}, {"", []byte{0xff}}}},
	}
	p := f.put("all", sent...)
	want := client.Produced{
		Offset: 7, Timestamp: at, Count: len(sent),
		Partitions: []client.PartitionRange{{Partition: 0, BaseOffset: 0, LastOffset: 7}},
	}
	if p.JSON = nil; !cmp.Equal(*p, want) {
		t.Error(cmp.Diff(want, *p))
	}
	page := f.get("all", client.FetchOptions{})
	if len(page.Records) != len(sent) {
		t.Fatalf("%d records", len(page.Records))
	}
	for i, r := range page.Records {
		s := sent[i]
		want := client.Record{
			Offset: int64(i), Timestamp: s.Timestamp.UTC(), Key: s.Key, Value: s.Value, Headers: s.Headers,
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("record %d (-sent +got):\n%s", i, diff)
		}
	}
	if !bytes.Contains(page.JSON, []byte(`"value_base64":"AP5h"`)) {
		t.Errorf("the answer as it came: %s", page.JSON)
	}
}

func TestARecordWithoutATimeTakesTheBrokers(t *testing.T) {
	f := start(t, http.Config{})
	before := time.Now().Truncate(time.Millisecond)
	p := f.put("news", client.ProducerRecord{Value: []byte("x")})
	if got := p.Timestamp; got.Before(before) || got.After(time.Now()) {
		t.Errorf("stored at %s, not after %s", got, before)
	}
}

func TestAHeaderNameThatIsNoTextIsRefusedBeforeItIsSent(t *testing.T) {
	bad := client.ProducerRecord{Value: []byte("x"), Headers: []client.Header{{Key: "\xff"}}}
	if _, err := mute(t).Produce(t.Context(), "news", []client.ProducerRecord{bad}, client.ProduceOptions{}); err == nil ||
		!strings.Contains(err.Error(), "header name") {
		t.Error(err)
	}
}

func TestProduceOptionsChoosePartitionAndTellOffsets(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("news", 3)
	own := client.ProducerRecord{Value: []byte("b"), Partition: new(0)}
	p, err := f.Produce(t.Context(), "news", []client.ProducerRecord{{Value: []byte("a")}, own, {Value: []byte("c")}},
		client.ProduceOptions{Partition: new(2), Offsets: true, Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]client.PartitionOffset{{2, 0}, {0, 0}, {2, 1}}, p.Offsets); diff != "" {
		t.Error(diff)
	}
}

// A produce with Sync has been synced when its answer comes, also where the broker syncs nothing by itself.
func TestSyncIsAsked(t *testing.T) {
	disk := segmenttest.New()
	f := startOn(t, actor.Config{FS: disk, Fsync: actor.FsyncNever}, http.Config{})
	f.topic("news", 1)
	f.put("news", client.ProducerRecord{Value: []byte("a")})
	before := disk.Count(segmenttest.OpSync)
	f.put("news", client.ProducerRecord{Value: []byte("b")})
	if got := disk.Count(segmenttest.OpSync); got != before {
		t.Fatalf("%d syncs without", got-before)
	}
	one := []client.ProducerRecord{{Value: []byte("c")}}
	if _, err := f.Produce(t.Context(), "news", one, client.ProduceOptions{Sync: true}); err != nil {
		t.Fatal(err)
	}
	if disk.Count(segmenttest.OpSync) == before {
		t.Error("nothing was synced")
	}
}

// More records than one JSON request takes.
func TestManyRecordsGoInOneCall(t *testing.T) {
	f := start(t, http.Config{})
	many := make([]client.ProducerRecord, 2500)
	for i := range many {
		many[i].Value = fmt.Append(nil, i)
	}
	if p := f.put("many", many...); p.Count != len(many) {
		t.Errorf("%d records stored", p.Count)
	}
	page := f.get("many", client.FetchOptions{FromOffset: "-1"})
	if len(page.Records) != 1 || string(page.Records[0].Value) != "2499" {
		t.Errorf("the last record: %s", page.JSON)
	}
}

func TestBodiesGoAsTheyAre(t *testing.T) {
	f := start(t, http.Config{})
	for media, body := range map[string]string{
		"application/json":     `{"records":[{"value":{"a": 1}}]}`,
		"application/x-ndjson": "{\"value\":{\"a\": 1}}\n",
	} {
		for kind, reader := range map[string]interface{ Read([]byte) (int, error) }{
			"sized": bytes.NewReader([]byte(body)), "chunked": onlyReader{strings.NewReader(body)},
		} {
			p, err := f.ProduceBody(t.Context(), "docs", media, reader, client.ProduceOptions{})
			if err != nil || p.Count != 1 {
				t.Fatalf("%s %s: %v", kind, media, err)
			}
		}
	}
	page := f.get("docs", client.FetchOptions{})
	for _, r := range page.Records {
		if string(r.Value) != `{"a": 1}` {
			t.Errorf("value %s", r.Value)
		}
	}
	if len(page.Records) != 4 {
		t.Errorf("%d records", len(page.Records))
	}
}

type onlyReader struct{ r *strings.Reader }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

// Every axis of a fetch reaches the server.
func TestFetchOptionsChooseRecords(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("w", 2)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for i := range 6 { // 0 2 4 in partition 0, 1 3 5 in partition 1, one a day
		f.put("w", client.ProducerRecord{
			Value: fmt.Append(nil, i), Partition: new(i % 2), Timestamp: day(i + 1), Headers: []client.Header{{"h", nil}},
		})
	}
	for name, row := range map[string]struct {
		o    client.FetchOptions
		want string
	}{
		"all":        {client.FetchOptions{}, "0 2 4 1 3 5"},
		"earliest":   {client.FetchOptions{FromOffset: "earliest"}, "0 2 4 1 3 5"},
		"latest":     {client.FetchOptions{FromOffset: "latest"}, ""},
		"offset":     {client.FetchOptions{FromOffset: "2"}, "4 5"},
		"last":       {client.FetchOptions{FromOffset: "-1"}, "4 5"},
		"time":       {client.FetchOptions{FromTime: "2026-01-04T00:00:00+00:00"}, "4 3 5"},
		"until":      {client.FetchOptions{ToTime: day(3).Format(time.RFC3339)}, "0 1"},
		"position":   {client.FetchOptions{Position: "0:2,1:1"}, "3 5 4"}, // a continued fetch lets partitions take turns
		"partition":  {client.FetchOptions{Partitions: []int{1}}, "1 3 5"},
		"partitions": {client.FetchOptions{Partitions: []int{1, 0}}, "1 3 5 0 2 4"},
		"count":      {client.FetchOptions{Partitions: []int{0}, MaxRecords: 2}, "0 2"},
		"bytes":      {client.FetchOptions{Partitions: []int{0}, MaxBytes: 1}, "0"},
		"wait":       {client.FetchOptions{Partitions: []int{0}, MinBytes: 3, Wait: time.Millisecond}, "0 2 4"},
	} {
		page := f.get("w", row.o)
		var values []string
		for _, r := range page.Records {
			values = append(values, string(r.Value))
		}
		if got := strings.Join(values, " "); got != row.want {
			t.Errorf("%s: %q instead of %q", name, got, row.want)
		}
	}
	if r := f.get("w", client.FetchOptions{MaxRecords: 1, OmitHeaders: true}).Records[0]; r.Headers != nil {
		t.Errorf("headers %v", r.Headers)
	}
}

func TestAFetchTellsWhereItGoesOn(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("w", 2)
	f.put("w", client.ProducerRecord{Value: []byte("a"), Partition: new(0)},
		client.ProducerRecord{Value: []byte("b"), Partition: new(0)})
	one := f.get("w", client.FetchOptions{Partitions: []int{0}, MaxRecords: 1})
	one.Records, one.JSON = nil, nil
	want := &client.Fetched{
		NextOffset: new(int64(1)), HighWaterMark: new(int64(2)), Lag: 1, Position: "0:1",
		Partitions: []client.PartitionState{{Partition: 0, NextOffset: 1, HighWaterMark: 2}},
	}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Error(diff)
	}
	if all := f.get("w", client.FetchOptions{}); all.NextOffset != nil || all.Position != "0:2,1:0" {
		t.Errorf("two partitions: %s", all.JSON)
	}
}

// A fetch that waits comes back with the record that arrives meanwhile.
func TestFetchWaits(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("w", 1)
	got := make(chan *client.Fetched, 1)
	go func() {
		page, err := f.Fetch(t.Context(), "w", client.FetchOptions{Wait: time.Minute})
		if err != nil {
			t.Error(err)
		}
		got <- page
	}()
	f.put("w", client.ProducerRecord{Value: []byte("late")})
	if page := <-got; len(page.Records) != 1 || string(page.Records[0].Value) != "late" {
		t.Errorf("%s", page.JSON)
	}
}
