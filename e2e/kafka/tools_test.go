package kafka

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

// Kafka's tools find our files in order, entry by entry, and read from them what HTTP gave.
func TestToolsReadOurFiles(t *testing.T) {
	for _, row := range []struct {
		name   string
		crash  bool
		fields []string
		args   []string
	}{
		{name: "one segment"},
		{name: "many segments", fields: []string{`"segment_bytes":262144`}, args: []string{"--fsync=always"}},
		{name: "after kill -9", crash: true, fields: []string{`"segment_bytes":4194304`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := fill(t, row.crash, row.fields, row.args...)
			// What exists is a log as well: one record for each topic.
			logs := []Log{{Path: f.partition("__flashq_meta", 0) + "/00000000000000000000.log", Count: len(f.topics)}}
			var indexes []string
			for topic, parts := range f.topics {
				for p := range parts {
					logs = append(logs, f.logs(t, topic, p)...)
					indexes = append(indexes, f.indexes(t, topic, p)...)
				}
			}
			found, err := Logs(logs...)
			if err != nil {
				t.Fatal(err)
			}
			if err := Indexes(indexes...); err != nil {
				t.Error(err)
			}
			for topic, parts := range f.topics {
				for p, want := range parts {
					sameRecords(t, f.logs(t, topic, p), found, want)
				}
			}
		})
	}
}

// sameRecords compares what the tool read from a partition's logs with what HTTP gave.
func sameRecords(t *testing.T, logs []Log, found map[string][]Record, want []instance.Record) {
	t.Helper()
	var got []Record
	for _, l := range logs {
		got = append(got, found[l.Path]...)
	}
	for i, r := range want {
		at, err := time.Parse(time.RFC3339, r.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		sent := Record{
			Offset: r.Offset, Timestamp: at.UnixMilli(), Key: r.Key, Value: r.Value,
			HeaderKeys: strings.Join(r.Headers.Keys(), ","),
		}
		if diff := cmp.Diff(sent, got[i]); diff != "" {
			t.Fatalf("%s: record %d (-HTTP +Kafka's tool):\n%s", logs[0].Path, i, diff)
		}
	}
}

// What a broker leaves that was killed again and again under load, also while it recovered, is sound to Kafka's tools:
// the records' logs with every index entry, and the logs of what groups committed and of what exists.
func TestToolsReadWhatTortureLeft(t *testing.T) {
	f := folder{dir: t.TempDir(), topics: map[string]map[int][]instance.Record{}}
	args := []string{"--storage=file", "--data-dir=" + f.dir}
	broker := instance.Start(t, args...)
	broker.CreateTopic(t, "load", partitions, `"segment_bytes":65536`)
	l, commits := oracle.NewLedger("load", partitions), oracle.NewCommits("load")
	const cycles = 12
	position := ""
	for range cycles {
		var churn sync.WaitGroup
		churn.Go(func() { commits.Churn(t, broker) })
		l.Load(t, broker, 150, broker.Kill)
		churn.Wait()
		instance.Launch(t, args...).Kill()
		broker = instance.Start(t, args...)
		commits.Check(t, broker)
		position = l.CheckFrom(t, broker, position)
	}
	f.topics["load"], _ = broker.ReadFrom(t, "load", "")
	l.CheckAll(t, f.topics["load"])
	broker.Stop(t)

	var logs []Log
	var indexes []string
	for p := range partitions {
		logs = append(logs, f.logs(t, "load", p)...)
		indexes = append(indexes, f.indexes(t, "load", p)...)
	}
	found, err := Logs(logs...)
	if err != nil {
		t.Fatal(err)
	}
	if err := Indexes(indexes...); err != nil {
		t.Error(err)
	}
	for p, want := range f.topics["load"] {
		sameRecords(t, f.logs(t, "load", p), found, want)
	}
	if words := lastWords(t, f.dir); len(words) == 0 {
		t.Error("no commits were found")
	}
	fmt.Printf("Kafka's tools read what %d kills left: %d logs, %d index files: %s\n", cycles, len(logs), len(indexes), l)
}
