package brokertest

import (
	"context"
	"strings"
	"testing"

	"flashq/broker"
	"flashq/segment/batch"
)

// Make creates a topic.
func Make(t testing.TB, b broker.Broker, name string, partitions int) broker.Topic {
	t.Helper()
	topic, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{Partitions: partitions})
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return topic
}

// Part is one batch of records with these values, all at one time.
func Part(partition int, millis int64, values ...string) broker.Part {
	var b batch.Builder
	for _, v := range values {
		b.Add(millis, []byte("key"), []byte(v))
	}
	return broker.Part{Partition: partition, Batch: b.Finish()}
}

// Batches is a part of several batches, each one's values parted by spaces and a millisecond later than the one before.
func Batches(partition int, millis int64, batches ...string) broker.Part {
	part := Part(partition, millis, strings.Fields(batches[0])...)
	for i, values := range batches[1:] {
		next := Part(partition, millis+int64(i)+1, strings.Fields(values)...)
		part.Rest = append(part.Rest, broker.More{Batch: next.Batch})
	}
	return part
}

// Append stores one part.
func Append(t testing.TB, topic broker.Topic, part broker.Part) {
	t.Helper()
	if err := topic.Append([]broker.Part{part}, broker.How{}); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func snapshot(t testing.TB, topic broker.Topic, partition int) broker.Snapshot {
	t.Helper()
	s, err := topic.Snapshot(context.Background(), partition)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	return s
}

// ReadAll gives the values of a partition from an offset to the high watermark.
func ReadAll(t testing.TB, topic broker.Topic, partition int, from int64) []string {
	t.Helper()
	s := snapshot(t, topic, partition)
	defer s.Close()
	var all []string
	for from < s.HighWatermark() {
		data, err := s.Read(nil, from, 4096)
		if err != nil {
			t.Fatalf("read at %d: %v", from, err)
		}
		got := values(t, data, from)
		if len(got) == 0 {
			t.Fatalf("read at %d below the high watermark %d: nothing", from, s.HighWatermark())
		}
		all = append(all, got...)
		from += int64(len(got))
	}
	return all
}

// values lists what batches hold from an offset on.
func values(t testing.TB, data []byte, from int64) (all []string) {
	t.Helper()
	for len(data) > 0 {
		b, rest, err := batch.Next(data)
		if err != nil {
			t.Fatalf("batch: %v", err)
		}
		if err := b.Check(); err != nil {
			t.Fatalf("batch: %v", err)
		}
		it := b.Records()
		for it.Next() {
			if b.BaseOffset()+int64(it.Record.OffsetDelta) >= from {
				all = append(all, string(it.Record.Value))
			}
		}
		if it.Err() != nil {
			t.Fatalf("records: %v", it.Err())
		}
		data = rest
	}
	return all
}
