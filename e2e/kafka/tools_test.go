package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flashq/e2e/instance"
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
