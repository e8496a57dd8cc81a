package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flashq/e2e/flights"
	"flashq/e2e/instance"
)

const partitions = 2

// odd are the records that a month of flights doesn't have, as NDJSON.
const odd = `{"key":null,"value":null}
{"key":"","value":""}
{"key":"tombstone","value":null}
{"key":"caf\u00e9 \u65e5\u672c","value":"na\u00efve \ud83d\ude00"}
{"key":"repeated","value":"x","headers":[{"key":"a","value":"1"},{"key":"a","value":"2"},{"key":"b","value":null}]}
{"key":"early","value":"1970","timestamp":0}
{"key":"early","value":"1970","timestamp":1}
{"value":{"json":[1,2,{"deep":true}]}}
`

// folder is a data folder after a clean stop, and what HTTP gave before it.
type folder struct {
	dir    string
	topics map[string]map[int][]instance.Record
	noon   map[int]int64 // the offset in each partition of "flights" that from_time=noon gave
}

// noon is some time in the flights' month.
const noon = "2013-01-15T12:00:00Z"

// fill runs a broker, produces the flights and the odd records, reads all back and stops it. With crash it is killed in
// between, so that its files are what recovery made of them.
func fill(t *testing.T, crash bool, fields []string, args ...string) folder {
	t.Helper()
	f := folder{dir: t.TempDir(), topics: map[string]map[int][]instance.Record{}, noon: map[int]int64{}}
	args = append([]string{"--storage=file", "--data-dir=" + f.dir}, args...)
	broker := instance.Start(t, args...)
	broker.CreateTopic(t, "flights", partitions, fields...)
	broker.CreateTopic(t, "odd", 1, fields...)
	for some := range slices.Chunk(flights.Load(t), 100) {
		broker.Produce(t, "flights", "application/x-ndjson", flights.NDJSON(some))
	}
	broker.Produce(t, "odd", "application/x-ndjson", []byte(odd))
	if crash {
		broker.Kill()
		broker = instance.Start(t, args...)
	}
	for _, topic := range []string{"flights", "odd"} {
		f.topics[topic], _ = broker.ReadFrom(t, topic, "")
	}
	for p := range partitions {
		page := broker.Fetch(t, "flights", fmt.Sprintf("partition=%d&max_records=1&from_time=%s", p, noon))
		f.noon[p] = page.Records[0].Offset
	}
	broker.Stop(t)
	return f
}

// logs are the log files of a partition with what must be in them, oldest first.
func (f folder) logs(t *testing.T, topic string, partition int) (all []Log) {
	t.Helper()
	end := int64(len(f.topics[topic][partition]))
	paths := f.files(t, topic, partition, ".log")
	slices.Reverse(paths)
	for _, path := range paths {
		base, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".log"), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, Log{Path: path, Base: base, Count: int(end - base)})
		end = base
	}
	slices.Reverse(all)
	return all
}

// indexes are the index and time index files of a partition.
func (f folder) indexes(t *testing.T, topic string, partition int) []string {
	t.Helper()
	return append(f.files(t, topic, partition, ".index"), f.files(t, topic, partition, ".timeindex")...)
}

func (f folder) files(t *testing.T, topic string, partition int, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(f.partition(topic, partition), "*"+suffix))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s file of %s-%d (%v)", suffix, topic, partition, err)
	}
	return paths
}

// producers are the files of what is known of producers, of which a partition may have none.
func (f folder) producers(t *testing.T, topic string, partition int) (paths []string) {
	t.Helper()
	for _, suffix := range []string{".snapshot", ".keys", ".keynotes"} {
		some, err := filepath.Glob(filepath.Join(f.partition(topic, partition), "*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, some...)
	}
	return paths
}

func (f folder) partition(topic string, partition int) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%d", topic, partition))
}

// clone copies one partition's folder, so that it may be spoiled.
func (f folder) clone(t *testing.T, topic string, partition int) folder {
	t.Helper()
	c := folder{dir: t.TempDir(), topics: f.topics}
	if err := os.CopyFS(c.partition(topic, partition), os.DirFS(f.partition(topic, partition))); err != nil {
		t.Fatal(err)
	}
	return c
}
