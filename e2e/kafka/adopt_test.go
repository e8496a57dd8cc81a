package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/e2e/instance"
)

// A Kafka broker takes over our folder, indexes included, and serves every record from it as if it had written it.
func TestBrokerAdoptsOurFolder(t *testing.T) {
	ours := fill(t, false, []string{`"segment_bytes":1048576`})
	kafka := newNode(t)
	adoptAll(t, ours, kafka)
	at, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range ours.noon {
		if got := offsetForTime(t, kafka, "flights", p, at); got != want {
			t.Errorf("flights-%d: Kafka finds offset %d for %s, FlashQ found %d", p, got, noon, want)
		}
	}
	kafka.stop(t)
}

// After a power cut our batches carry a later leader epoch, and the folder says where it began: Kafka serves both.
func TestBrokerAdoptsLaterEpochs(t *testing.T) {
	ours := folder{dir: t.TempDir(), topics: map[string]map[int][]instance.Record{}}
	for epoch := range 3 {
		broker := instance.Start(t, "--storage=file", "--data-dir="+ours.dir)
		if epoch == 0 {
			broker.CreateTopic(t, "epochs", 1, `"segment_bytes":4096`)
		}
		for i := range 60 {
			body := fmt.Sprintf(`{"records":[{"key":"epoch %d","value":"%d"},{"value":%q}]}`, epoch, i, strings.Repeat("x", 100))
			broker.Produce(t, "epochs", "application/json", []byte(body))
		}
		ours.topics["epochs"], _ = broker.ReadFrom(t, "epochs", "")
		broker.Kill()
		if err := os.WriteFile(filepath.Join(ours.dir, "flashq.boot"), []byte("an earlier boot"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	instance.Start(t, "--storage=file", "--data-dir="+ours.dir).Stop(t)
	epochs, err := os.ReadFile(filepath.Join(ours.partition("epochs", 0), "leader-epoch-checkpoint"))
	if err != nil || string(epochs) != "0\n4\n0 0\n1 120\n2 240\n3 360\n" {
		t.Errorf("epochs: %q %v", epochs, err)
	}
	kafka := newNode(t)
	adoptAll(t, ours, kafka)
	kafka.stop(t)
}

// What retention took stays away from Kafka, too: it begins where our checkpoint says, although it finds older files.
func TestBrokerBeginsAtOurLogStart(t *testing.T) {
	dir := t.TempDir()
	broker := instance.Start(t, "--storage=file", "--data-dir="+dir)
	broker.CreateTopic(t, "kept", 1, `"segment_bytes":4096`)
	for range 60 {
		broker.Produce(t, "kept", "application/json", fmt.Appendf(nil, `{"records":[{"value":%q}]}`, strings.Repeat("x", 500)))
	}
	broker.Stop(t)
	old := folder{dir: dir}.clone(t, "kept", 0)
	broker = instance.Start(t, "--storage=file", "--data-dir="+dir)
	broker.Must(t, 200, "PUT", "/topics/kept", "application/json", []byte(`{"retention_bytes":10000}`), nil)
	records, _ := broker.ReadFrom(t, "kept", "")
	broker.Stop(t)
	old.topics = map[string]map[int][]instance.Record{"kept": records}
	starts, err := os.ReadFile(filepath.Join(dir, logStarts))
	if first := records[0][0].Offset; err != nil || first == 0 || string(starts) != fmt.Sprintf("0\n1\nkept 0 %d\n", first) {
		t.Fatalf("the log begins at %d, the checkpoint is %q %v", first, starts, err)
	}
	if err := os.WriteFile(filepath.Join(old.dir, logStarts), starts, 0o644); err != nil {
		t.Fatal(err)
	}
	kafka := newNode(t)
	adoptAll(t, old, kafka)
	kafka.stop(t)
}

const logStarts = "log-start-offset-checkpoint"

// adoptAll has Kafka take over a folder, and compares what it serves with what HTTP gave. It leaves Kafka running.
func adoptAll(t *testing.T, ours folder, kafka *node) {
	t.Helper()
	kafka.start(t)
	for topic, parts := range ours.topics {
		createTopic(t, kafka, topic, len(parts))
	}
	kafka.stop(t)
	for topic, parts := range ours.topics {
		for p := range parts {
			adopt(t, ours, kafka, topic, p)
		}
		if data, err := os.ReadFile(filepath.Join(ours.dir, logStarts)); err == nil {
			if err := os.WriteFile(filepath.Join(filepath.Dir(kafka.partition(topic, 0)), logStarts), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	kafka.start(t)
	for topic, parts := range ours.topics {
		got := consume(t, kafka, topic, parts)
		for p, want := range parts {
			for i, r := range want {
				if diff := cmp.Diff(r, got[p][i]); diff != "" {
					t.Fatalf("%s-%d: record %d (-FlashQ +Kafka):\n%s", topic, p, i, diff)
				}
			}
		}
	}
}

// createTopic makes a topic in Kafka; config is names and values in turn.
func createTopic(t *testing.T, kafka *node, topic string, partitions int, config ...string) {
	t.Helper()
	client, ctx := kafka.client(t)
	wish := kmsg.NewCreateTopicsRequestTopic()
	wish.Topic, wish.NumPartitions, wish.ReplicationFactor = topic, int32(partitions), 1
	for pair := range slices.Chunk(config, 2) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = pair[0], &pair[1]
		wish.Configs = append(wish.Configs, c)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, wish)
	answer, err := request.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
}

// adopt puts our files of a partition in the place of Kafka's empty ones.
func adopt(t *testing.T, ours folder, kafka *node, topic string, partition int) {
	t.Helper()
	to := kafka.partition(topic, partition)
	copyFiles(t, ours.producers(t, topic, partition), to)
	for _, suffix := range []string{".log", ".index", ".timeindex", "leader-epoch-checkpoint"} {
		copyFiles(t, ours.files(t, topic, partition, suffix), to)
	}
}

func copyFiles(t *testing.T, paths []string, to string) {
	t.Helper()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// consume reads from the beginning as many records as there must be.
func consume(t *testing.T, kafka *node, topic string, want map[int][]instance.Record) map[int][]instance.Record {
	t.Helper()
	starts, left := map[int32]kgo.Offset{}, 0
	for p, records := range want {
		starts[int32(p)] = kgo.NewOffset().AtStart()
		left += len(records)
	}
	client, ctx := kafka.client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	got := map[int][]instance.Record{}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %d records are missing: %v", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got[int(r.Partition)] = append(got[int(r.Partition)], asOurs(r))
			left--
		})
	}
	return got
}

// asOurs shows a record of Kafka's client as the API's JSON would.
func asOurs(r *kgo.Record) instance.Record {
	out := instance.Record{
		Partition: int(r.Partition), Offset: r.Offset, Key: text(r.Key), Value: text(r.Value),
		Timestamp: r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, instance.Header{Key: h.Key, Value: text(h.Value)})
	}
	return out
}

func text(p []byte) *string {
	if p == nil {
		return nil
	}
	s := string(p)
	return &s
}

// offsetForTime is what Kafka finds in its time index, which was ours.
func offsetForTime(t *testing.T, kafka *node, topic string, partition int, at time.Time) int64 {
	t.Helper()
	client, ctx := kafka.client(t)
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp = int32(partition), at.UnixMilli()
	wish := kmsg.NewListOffsetsRequestTopic()
	wish.Topic, wish.Partitions = topic, append(wish.Partitions, part)
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID, request.Topics = -1, append(request.Topics, wish)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		t.Fatalf("list offsets: %v", err)
	}
	found := answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		t.Fatalf("list offsets of %s-%d: %v", topic, partition, err)
	}
	return found.Offset
}
