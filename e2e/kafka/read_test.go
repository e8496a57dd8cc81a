package kafka

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/instance"
)

// FlashQ serves segments that a real Kafka wrote, whatever codec its broker used, indexes included: every record with
// its key, value, headers and time, from any offset and time.
func TestWeReadWhatKafkaWrote(t *testing.T) {
	codecs := []string{"uncompressed", "gzip", "snappy", "lz4", "zstd"}
	kafka := newNode(t)
	kafka.start(t)
	sent := map[string][]*kgo.Record{}
	for _, codec := range codecs {
		// The broker itself compresses, and rolls often.
		createTopic(t, kafka, codec, 1, "compression.type", codec, "segment.bytes", "1048576")
		sent[codec] = produceTo(t, kafka, codec)
	}
	kafka.stop(t)

	dir := t.TempDir()
	args := []string{"--storage=file", "--data-dir=" + dir}
	broker := instance.Start(t, args...)
	for _, codec := range codecs {
		broker.CreateTopic(t, codec, 1)
	}
	broker.Stop(t)
	for _, codec := range codecs {
		replaceSegments(t, kafka.partition(codec, 0), filepath.Join(dir, codec+"-0"))
	}
	broker = instance.Start(t, args...)
	for _, codec := range codecs {
		got, _ := broker.ReadFrom(t, codec, "")
		if len(got[0]) != len(sent[codec]) {
			t.Fatalf("%s: %d records of %d", codec, len(got[0]), len(sent[codec]))
		}
		for i, r := range sent[codec] {
			want := asOurs(r)
			if a, b := fmt.Sprint(show(want)), fmt.Sprint(show(got[0][i])); a != b {
				t.Fatalf("%s: record %d is %s, Kafka was given %s", codec, i, b, a)
			}
		}
		middle := sent[codec][len(sent[codec])/2]
		page := broker.Fetch(t, codec, "max_records=1&from_time="+middle.Timestamp.UTC().Format(time.RFC3339Nano))
		if len(page.Records) != 1 || page.Records[0].Offset > middle.Offset || page.Records[0].Timestamp > asOurs(middle).Timestamp {
			t.Errorf("%s: from the time of offset %d comes %+v", codec, middle.Offset, page.Records)
		}
		broker.Produce(t, codec, "application/json", []byte(`{"records":[{"value":"ours"}]}`))
		page = broker.Fetch(t, codec, "from_offset=-2")
		if len(page.Records) != 2 || page.Records[1].Offset != int64(len(sent[codec])) {
			t.Errorf("%s: after Kafka's records: %+v", codec, page.Records)
		}
	}
	broker.Must(t, http.StatusOK, "GET", "/ready", "", nil, nil)
	broker.Stop(t)
}

func show(r instance.Record) string {
	return fmt.Sprintf("%d %s %s=%s %v", r.Offset, r.Timestamp, instance.Text(r.Key), instance.Text(r.Value), r.Headers)
}

// produceTo gives Kafka some batches, and tells what it was given, with offsets.
func produceTo(t *testing.T, kafka *node, topic string) (all []*kgo.Record) {
	t.Helper()
	client, ctx := kafka.client(t, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic(topic))
	began := time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	for round := range 8 {
		var some []*kgo.Record
		for i := range 400 {
			n := round*400 + i
			r := &kgo.Record{
				Value: []byte(strings.Repeat(fmt.Sprintf("value %d of %s, ", n, topic), 1+n%40)), Timestamp: began.Add(time.Duration(n) * time.Second),
			}
			if n%3 > 0 {
				r.Key = []byte(fmt.Sprint("key", n%17))
			}
			if n%5 == 0 {
				r.Headers = []kgo.RecordHeader{{Key: "n", Value: []byte(fmt.Sprint(n))}, {Key: "n", Value: []byte("again")}}
			}
			if n%11 == 0 {
				r.Value = nil
			}
			some = append(some, r)
		}
		if err := client.ProduceSync(ctx, some...).FirstErr(); err != nil {
			t.Fatalf("produce to %s: %v", topic, err)
		}
		all = append(all, some...)
	}
	return all
}

// replaceSegments puts Kafka's segments in the place of our empty one.
func replaceSegments(t *testing.T, from, to string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(from, "0*"))
	if err != nil || len(names) < 3 {
		t.Fatalf("%s holds %v (%v)", from, names, err)
	}
	for _, name := range names {
		switch filepath.Ext(name) {
		case ".log", ".index", ".timeindex":
		default:
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
