package http

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"flashq/broker"
)

func TestProduceAnswer(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"zero"}`)
	before := time.Now().UTC().Truncate(time.Millisecond)
	a := f.post("/topics/news/records", `{"records":[{"value":"one"},{"key":"k","value":{"x":1}}]}`).want(t, 200)
	shape := regexp.MustCompile(`^\{"offset":2,"timestamp":"([^"]+)","count":2,` +
		`"partitions":\[\{"partition":0,"base_offset":1,"last_offset":2\}\]\}$`)
	match := shape.FindStringSubmatch(a.body)
	if match == nil {
		t.Fatal(a.body)
	}
	if at, err := time.Parse(time.RFC3339, match[1]); err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("%v %v", at, err)
	}
	if got := f.fetch("/topics/news/records").Records[2].Timestamp; got != match[1] {
		t.Errorf("answered %s, stored %s", match[1], got)
	}
}

// Time does not go backwards within a partition: the owner may raise the broker's clock, and the answer says so.
func TestAnsweredTimestampIsTheStoredOne(t *testing.T) {
	f := start(t, Config{})
	ahead := time.Now().Add(30 * time.Minute).UnixMilli()
	f.produce("/topics/news/records", fmt.Sprintf(`{"value":"a","timestamp":%d}`, ahead))
	var got struct{ Timestamp string }
	f.post("/topics/news/records", oneRecord).want(t, 200).decode(t, &got)
	if stored := f.fetch("/topics/news/records").Records[1].Timestamp; got.Timestamp != stored {
		t.Errorf("answered %s, stored %s", got.Timestamp, stored)
	}
}

func TestProduceToSeveralPartitions(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":4}`)
	a := f.post("/topics/news/records?return=offsets", `{"records":[
		{"value":"a","partition":3,"timestamp":1000},{"value":"b","partition":1,"timestamp":3000},
		{"value":"c","partition":3,"timestamp":2000}]}`).want(t, 200)
	want := `{"offset":1,"timestamp":"1970-01-01T00:00:02.000Z","count":3,"partitions":[` +
		`{"partition":1,"base_offset":0,"last_offset":0},{"partition":3,"base_offset":0,"last_offset":1}],` +
		`"offsets":[{"partition":3,"offset":0},{"partition":1,"offset":0},{"partition":3,"offset":1}]}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
}

func TestPartitionParameter(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	f.produce("/topics/news/records?partition=2", `{"value":"a","key":"k"}`, `{"value":"b","partition":0}`)
	if got := f.fetch("/topics/news/records?partition=2").values(); got != "a" {
		t.Error(got)
	}
	if got := f.fetch("/topics/news/records?partition=0").values(); got != "b" {
		t.Error("a record's own partition does not win:", got)
	}
	details := f.post("/topics/news/records?partition=3", oneRecord).wantError(t, 404, "partition_not_found")
	if details["partition"] != 3.0 || details["partitions"] != 3.0 {
		t.Error(details)
	}
	f.post("/topics/news/records", `{"records":[{"value":"a","partition":3}]}`).wantError(t, 404, "partition_not_found")
}

func TestKeylessRequestsSpreadAndStayTogether(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":3}`)
	used := map[string]int{}
	for range 9 {
		a := f.post("/topics/news/records", `{"records":[{"value":"a"},{"value":"b"}]}`).want(t, 200)
		_, parts, _ := strings.Cut(a.body, `"partitions":`)
		if strings.Count(parts, "base_offset") != 1 {
			t.Fatalf("one request went to several partitions: %s", parts)
		}
		used[parts[:15]]++
	}
	if len(used) != 3 {
		t.Errorf("not all partitions are used: %v", used)
	}
}

func TestBadBodyStoresNothingAndMakesNoTopic(t *testing.T) {
	f := start(t, Config{})
	for _, test := range []struct {
		body   string
		status int
		code   string
		detail string
		value  any
	}{
		{`{"records":[{"value":"a"}`, 400, "invalid_json", "", nil},
		{`{"records":[]}`, 400, "validation_error", "", nil},
		{`{"records":[{"value":"a"},{"key":"k"}]}`, 422, "record_validation_error", "index", 1.0},
		{`{"records":[{"value":"a"},{"value":"b","key":"` + strings.Repeat("k", 1025) + `"}]}`, 400, "validation_error",
			"actual_size", 1025.0},
		{`{"records":[{"value":"a","partition":1}]}`, 404, "partition_not_found", "partition", 1.0},
		{`{"records":[` + strings.Repeat(`{"value":"a"},`, 1000) + `{"value":"a"}]}`, 400, "validation_error",
			"max_size", 1000.0},
	} {
		details := f.post("/topics/news/records", test.body).wantError(t, test.status, test.code)
		if test.detail != "" && details[test.detail] != test.value {
			t.Errorf("%s: details %v", test.code, details)
		}
	}
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
}

func TestLimitsAreTheConfigs(t *testing.T) {
	f := start(t, Config{MaxKeyBytes: 3, MaxValueBytes: 4, MaxHeaderBytes: 5, MaxHeaders: 1, MaxBatchRecords: 2})
	f.produce("/topics/news/records", `{"key":"123","value":"1234","headers":{"a":"12345"}}`)
	for _, record := range []string{
		`{"key":"1234","value":""}`, `{"value":"12345"}`, `{"value":"","headers":{"a":"123456"}}`,
		`{"value":"","headers":{"a":"","b":""}}`, `{"value":""},{"value":""},{"value":""}`,
	} {
		f.post("/topics/news/records", `{"records":[`+record+`]}`).wantError(t, 400, "validation_error")
	}
}

func TestNDJSON(t *testing.T) {
	f := start(t, Config{MaxBatchRecords: 2})
	a := f.do("POST", "/topics/news/records", "{\"value\":\"a\"}\r\n\n{\"value\":\"b\"}\n{\"value\":\"c\"}",
		"Content-Type", "application/x-ndjson").want(t, 200)
	if !strings.Contains(a.body, `"count":3`) {
		t.Error(a.body)
	}
	if got := f.fetch("/topics/news/records").values(); got != "a b c" {
		t.Error(got)
	}
}

func TestAutoCreate(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 5})
	f.produce("/topics/news/records?partition=4", `{"value":"a"}`)
	if got := len(f.fetch("/topics/news/records").Partitions); got != 5 {
		t.Errorf("%d partitions", got)
	}
	off := start(t, Config{NoAutoCreate: true})
	details := off.post("/topics/news/records", oneRecord).wantError(t, 404, "topic_not_found")
	if details["topic"] != "news" {
		t.Error(details)
	}
}

// slowRegistry is a real engine whose next answer that a topic is missing is overtaken by its creation.
type slowRegistry struct {
	broker.Broker
	once       sync.Once
	partitions int
}

func (r *slowRegistry) Topic(ctx context.Context, name string) (broker.Topic, error) {
	t, err := r.Broker.Topic(ctx, name)
	r.once.Do(func() { _, _, _ = r.Broker.CreateTopic(ctx, name, broker.TopicChange{Partitions: r.partitions}) })
	return t, err
}

func TestCreateRaceTakesTheOthersTopic(t *testing.T) {
	f := start(t, Config{})
	f.s.Open(&slowRegistry{Broker: f.broker, partitions: 8})
	a := f.post("/topics/news/records", `{"records":[{"key":"user123","value":"a"}]}`).want(t, 200)
	f.produce("/topics/news/records", `{"key":"user123","value":"b"}`)
	got := f.fetch("/topics/news/records")
	if len(got.Partitions) != 8 || got.values() != "a b" || got.Records[0].Partition != got.Records[1].Partition {
		t.Errorf("%s then %+v", a.body, got.Records)
	}
	if got.Records[0].Partition == 0 {
		t.Error("choose another key: partition 0 is where a topic of one partition puts everything")
	}
}

func TestSyncedProduce(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records?sync=true", `{"value":"a"}`)
	f.produce("/topics/news/records?sync=false", `{"value":"b"}`)
	if got := f.fetch("/topics/news/records").values(); got != "a b" {
		t.Error(got)
	}
}

// Many at once share pooled state: nobody may get another's answer or records.
func TestConcurrentProducersGetTheirOwnOffsets(t *testing.T) {
	f := start(t, Config{})
	const producers, requests = 8, 50
	f.createTopic("news", `{"partitions":2}`)
	var wait sync.WaitGroup
	for producer := range producers {
		wait.Go(func() {
			for i := range requests {
				value := fmt.Sprintf("%d-%d", producer, i)
				a := f.post("/topics/news/records?partition=0&return=offsets", `{"records":[{"value":"`+value+`"}]}`)
				var got struct{ Offset int64 }
				a.decode(f, &got)
				read := f.fetch(fmt.Sprintf("/topics/news/records?partition=0&max_records=1&from_offset=%d", got.Offset))
				if a.status != 200 || read.values() != value {
					t.Errorf("%s is at %d: %s", value, got.Offset, read.values())
					return
				}
			}
		})
	}
	wait.Wait()
	if got := *f.fetch("/topics/news/records?partition=0").HighWaterMark; got != producers*requests {
		t.Errorf("high watermark %d", got)
	}
	eventually(t, "nothing is held any more", func() bool {
		return f.s.bounds.inflight.Used() == 0 && f.s.bounds.answers.Used() == 0
	})
}
