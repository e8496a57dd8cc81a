package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flashq/client"
	"flashq/http"
)

func TestTopicsAreMadeChangedDescribedAndDeleted(t *testing.T) {
	f := start(t, http.Config{})
	config := client.TopicConfig{
		Partitions: new(2), RetentionMs: new(int64(5000)), RetentionBytes: new(int64(6000)), SegmentBytes: new(int64(7000)),
		SegmentMs: new(int64(8000)),
	}
	made, err := f.CreateTopic(t.Context(), "news", config)
	if err != nil {
		t.Fatal(err)
	}
	want := &client.Topic{
		Created: true, Name: "news", Partitions: 2, RetentionMs: 5000, RetentionBytes: 6000, SegmentBytes: 7000, SegmentMs: 8000,
		Details: []client.TopicPartition{{Partition: 0, Segments: 1}, {Partition: 1, Segments: 1}},
		Groups:  []client.TopicGroup{},
	}
	ignore := cmpopts.IgnoreFields(client.Topic{}, "JSON")
	if diff := cmp.Diff(want, made, ignore); diff != "" {
		t.Errorf("create:\n%s", diff)
	}
	changed, err := f.CreateTopic(t.Context(), "news", client.TopicConfig{RetentionMs: new(int64(-1))})
	want.Created, want.RetentionMs = false, -1
	if diff := cmp.Diff(want, changed, ignore); err != nil || diff != "" {
		t.Errorf("change: %v\n%s", err, diff)
	}
	seen, err := f.Topic(t.Context(), "news")
	if diff := cmp.Diff(want, seen, ignore); err != nil || diff != "" {
		t.Errorf("describe: %v\n%s", err, diff)
	}
	if err := f.DeleteTopic(t.Context(), "news"); err != nil {
		t.Error(err)
	}
	_, err = f.Topic(t.Context(), "news")
	refused(t, err, 404, "topic_not_found")
}

func TestTopicsAreListed(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("b", 1)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.put("a", client.ProducerRecord{Value: []byte("x"), Timestamp: at})
	short, err := f.Topics(t.Context(), false)
	if err != nil || !cmp.Equal(short.Topics, []string{"a", "b"}) || short.Details != nil {
		t.Errorf("%+v, %v", short, err)
	}
	long, err := f.Topics(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	stamp := at
	want := []client.TopicSummary{
		{Name: "a", Partitions: 1, Records: 1, Bytes: long.Details[0].Bytes, FirstTimestamp: stamp, LastTimestamp: stamp},
		{Name: "b", Partitions: 1},
	}
	if diff := cmp.Diff(want, long.Details); diff != "" || long.Details[0].Bytes == 0 {
		t.Error(diff, string(long.JSON))
	}
}

func TestTopicOffsetsFindATime(t *testing.T) {
	f := start(t, http.Config{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.put("a", client.ProducerRecord{Value: []byte("x"), Timestamp: at},
		client.ProducerRecord{Value: []byte("y"), Timestamp: at.Add(time.Hour)})
	for when, want := range map[string]client.TimedOffset{
		"earliest":                 {Offset: 0, Timestamp: at},
		"latest":                   {Offset: 2},
		"2026-01-02T04:00:00.000Z": {Offset: 1, Timestamp: at.Add(time.Hour)},
	} {
		got, err := f.TopicOffsets(t.Context(), "a", when)
		if err != nil || !cmp.Equal(got.Partitions, []client.TimedOffset{want}) || got.Position == "" {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	f := start(t, http.Config{})
	f.topic("a", 1)
	h, err := f.Health(t.Context())
	if err != nil || h.Status != "healthy" || h.Version != "1.2.3" || h.TopicsCount != 1 || h.Timestamp.IsZero() {
		t.Errorf("%+v, %v", h, err)
	}
	if err := f.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	f.server.Drain()
	e := refused(t, f.Ready(t.Context()), 503, "draining")
	if !e.Retryable || e.RetryAfter != time.Second {
		t.Errorf("%+v", *e)
	}
}
