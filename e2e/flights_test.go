package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/flights"
	"flashq/e2e/instance"
)

const partitions = 4

// A month of real flights goes in by both formats and comes back record by record, on either storage.
func TestFlightsComeBackAsSent(t *testing.T) {
	for _, storage := range []string{"memory", "file"} {
		t.Run(storage, func(t *testing.T) {
			all := flights.Load(t)
			args := []string{"--storage=" + storage}
			if storage == "file" {
				args = append(args, "--data-dir="+t.TempDir())
			}
			broker := instance.Start(t, args...)
			broker.CreateTopic(t, "lines", partitions)
			broker.CreateTopic(t, "batches", partitions)

			p := broker.Produce(t, "lines", "application/x-ndjson", flights.NDJSON(all))
			if p.Count != len(all) {
				t.Errorf("%d records acknowledged of %d", p.Count, len(all))
			}
			for some := range slices.Chunk(all, 1000) {
				broker.Produce(t, "batches", "application/json", flights.JSON(some))
			}
			for _, topic := range []string{"lines", "batches"} {
				got, _ := broker.ReadFrom(t, topic, "")
				sameFlights(t, topic, all, got)
				startsAtTime(t, broker, topic, got)
			}
			broker.Stop(t)
		})
	}
}

// sameFlights compares all that was sent with all that was read, partition by partition.
func sameFlights(t *testing.T, topic string, sent []flights.Flight, got map[int][]instance.Record) {
	t.Helper()
	if len(got) > partitions {
		t.Errorf("%s: records from partitions %v", topic, slices.Sorted(maps.Keys(got)))
	}
	place := kgo.StickyKeyPartitioner(nil).ForTopic(topic) // murmur2, as Kafka's own clients place keys
	want := map[int][]flights.Flight{}
	var keyless []flights.Flight
	for _, f := range sent {
		if f.Key == nil {
			keyless = append(keyless, f)
			continue
		}
		p := place.Partition(&kgo.Record{Key: []byte(*f.Key)}, partitions)
		want[p] = append(want[p], f)
	}
	var anywhere []instance.Record
	for p := range partitions {
		keyed := make([]instance.Record, 0, len(got[p]))
		for i, r := range got[p] {
			if r.Offset != int64(i) {
				t.Fatalf("%s-%d: record %d has offset %d", topic, p, i, r.Offset)
			}
			if r.Key == nil {
				anywhere = append(anywhere, r)
			} else {
				keyed = append(keyed, r)
			}
		}
		compare(t, fmt.Sprintf("%s-%d", topic, p), want[p], keyed)
	}
	compareSet(t, topic, keyless, anywhere)
}

// compare wants the same records in the same order.
func compare(t *testing.T, where string, want []flights.Flight, got []instance.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d records instead of %d", where, len(got), len(want))
	}
	for i := range want {
		if diff := cmp.Diff(sentText(want[i]), gotText(got[i])); diff != "" {
			t.Fatalf("%s: record %d (-sent +got):\n%s", where, got[i].Offset, diff)
		}
	}
}

// compareSet wants the same records in any order.
func compareSet(t *testing.T, where string, want []flights.Flight, got []instance.Record) {
	t.Helper()
	sent, read := make([]string, len(want)), make([]string, len(got))
	for i, f := range want {
		sent[i] = sentText(f)
	}
	for i, r := range got {
		read[i] = gotText(r)
	}
	slices.Sort(sent)
	slices.Sort(read)
	if diff := cmp.Diff(sent, read); diff != "" {
		t.Fatalf("%s: records without a key (-sent +got):\n%s", where, diff)
	}
}

// A record's text has its time as the API writes it: RFC 3339 in UTC with milliseconds.
func sentText(f flights.Flight) string {
	return recordText(f.Key, f.Value, f.Headers, f.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func gotText(r instance.Record) string { return recordText(r.Key, r.Value, r.Headers, r.Timestamp) }

func recordText(key, value *string, headers instance.Headers, timestamp string) string {
	return fmt.Sprintf("%s = %s %v at %s", instance.Text(key), instance.Text(value), headers, timestamp)
}

// startsAtTime asks for a time in the middle of the month: each partition begins with its first flight from then on.
func startsAtTime(t *testing.T, broker *instance.Instance, topic string, all map[int][]instance.Record) {
	t.Helper()
	const noon = "2013-01-15T12:00:00.000Z"
	for p := range partitions {
		want := slices.IndexFunc(all[p], func(r instance.Record) bool { return r.Timestamp >= noon })
		page := broker.Fetch(t, topic, fmt.Sprintf("partition=%d&max_records=1&from_time=2013-01-15T12:00:00Z", p))
		if len(page.Records) != 1 || page.Records[0].Offset != int64(want) {
			t.Errorf("%s-%d: from_time gives %+v instead of offset %d", topic, p, page.Records, want)
		}
	}
	whole := broker.Fetch(t, topic, "max_records=10000&from_time="+noon)
	for _, r := range whole.Records {
		at, err := time.Parse(time.RFC3339, r.Timestamp)
		if err != nil || r.Timestamp < noon {
			t.Fatalf("%s-%d: from_time=%s gives a flight of %s (%v)", topic, r.Partition, noon, at, err)
		}
	}
}
