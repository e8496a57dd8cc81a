package http

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flashq/actor"
	"flashq/broker"
)

// A partition that can't be opened is named; what is known of the others is told all the same, and they take records.
func TestAPartitionThatIsDown(t *testing.T) {
	dir := t.TempDir()
	engine, err := actor.Open(actor.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := engine.CreateTopic(context.Background(), "t", broker.TopicChange{Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	other := []byte("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n")
	if err := os.WriteFile(filepath.Join(dir, "t-1", "partition.metadata"), other, 0o644); err != nil {
		t.Fatal(err)
	}
	engine, err = actor.Open(actor.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() }) // its end tells of the partition again
	f := serve(t, Config{Broker: engine})
	f.post("/topics/t/records?partition=1", `{"records":[{"value":"a"}]}`).wantError(t, 503, "storage_error")
	f.produce("/topics/t/records?partition=0", `{"value":"a"}`, `{"value":"b"}`)
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"t","partition":0,"offset":1}]}`).want(t, 200)
	var topic struct {
		Details []struct {
			HighWaterMark int64 `json:"high_water_mark"`
			Error         string
		}
		Groups []groupLag
	}
	f.get("/topics/t").want(t, 200).decode(t, &topic)
	if d := topic.Details; len(d) != 2 || d[0].HighWaterMark != 2 || d[0].Error != "" || d[1].Error != "storage_error" ||
		len(topic.Groups) != 1 || topic.Groups[0].Lag != 1 {
		t.Errorf("%+v", topic)
	}
	f.get("/topics?detail=true").want(t, 200)
	f.get("/groups/g").want(t, 200)
	f.get("/groups").want(t, 200)
	f.get("/ready").want(t, 503)
	if got := f.fetch("/topics/t/records?partition=0").values(); got != "a b" {
		t.Errorf("the partition that is up gives %q", got)
	}
	f.get("/topics/t/records?partition=1").wantError(t, 503, "storage_error")
	f.get("/topics/t/records?partition=1&timeout_ms=60000").wantError(t, 503, "storage_error")
	for _, row := range []struct{ query, position string }{
		{"", "0:2"}, {"from_offset=latest", "0:2"}, {"position=0:1,1:7", "0:2,1:7"}, {"timeout_ms=60000&position=0:2", "0:2"},
		{"group=h", "0:2"}, {"group=h&position=0:0,1:7", "0:2"}, {"group=h&member=m", "g1;0:2"}, {"group=h&member=m&ack=g1;0:2", "g1;0:2"},
	} {
		got := f.fetch("/topics/t/records?" + row.query)
		if e := got.Partitions[1].Error; got.Position != row.position || e == nil || e.Error != "storage_error" || !e.Retryable ||
			got.Partitions[0].Error != nil || got.Partitions[1].Beyond != 0 || got.Lag != 0 {
			t.Errorf("%s: %+v", row.query, got)
		}
	}
	lines := f.get("/topics/t/records", "Accept", "application/x-ndjson").want(t, 200)
	if got := lines.header.Get("FlashQ-Error"); got != `[{"error":"storage_error","retryable":true,"partition":1}]` {
		t.Errorf("FlashQ-Error %s", got)
	}
}

// Whoever waits for anything gets a record that has no bytes.
func TestAnEmptyRecordEndsAWait(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/t/records", `{"value":""}`)
	began := time.Now()
	if got := f.fetch("/topics/t/records?timeout_ms=60000"); len(got.Records) != 1 || time.Since(began) > 30*time.Second {
		t.Errorf("%d records after %v", len(got.Records), time.Since(began))
	}
}

func TestNamesMayBeEscaped(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/n%65ws/records", `{"value":"a"}`)
	if got := f.fetch("/topics/%6e%65ws/records").values(); got != "a" {
		t.Errorf("got %q", got)
	}
	f.do("PUT", "/groups/%67", "").want(t, 201)
	f.get("/groups/g").want(t, 200)
	for _, name := range []string{"%2e%2e", "..%2fx", "a%2fb", "a%00", "%2Dx", "a%25"} {
		f.get("/topics/"+name+"/records").wantError(t, 400, "validation_error")
	}
}
