package loadtest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// decode reads a body the way any server would.
func decode(t *testing.T, format string, b body) []record {
	t.Helper()
	switch format {
	case "json":
		var request struct{ Records []record }
		if err := json.Unmarshal(b.text, &request); err != nil {
			t.Fatal(err)
		}
		return request.Records
	case "raw":
		r := record{Value: string(b.text)}
		if key, found := strings.CutPrefix(b.query, "?key="); found {
			r.Key = &key
		}
		return []record{r}
	case "batch":
		return decodeBatches(t, b.text)
	}
	var list []record
	for line := range bytes.Lines(b.text) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// decodeBatches has franz-go read batches, which checks their CRCs, lengths and counts, with offsets as a broker gives
// them.
func decodeBatches(t *testing.T, sent []byte) []record {
	t.Helper()
	body, next := bytes.Clone(sent), int64(0)
	for rest := body; len(rest) > 0; rest = rest[batchSize(rest):] {
		binary.BigEndian.PutUint64(rest, uint64(next))
		h, err := readHead(rest)
		if err != nil {
			t.Fatal(err)
		}
		next = h.last + 1
	}
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"},
		&kmsg.FetchResponseTopicPartition{RecordBatches: body, HighWatermark: 1 << 40}, kgo.DefaultDecompressor(), nil)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	var list []record
	for _, r := range got.Records {
		one := record{Value: string(r.Value)}
		if r.Key != nil {
			key := string(r.Key)
			one.Key = &key
		}
		list = append(list, one)
	}
	return list
}

func TestBodiesHoldTheAskedRecords(t *testing.T) {
	for _, format := range report.Formats {
		for _, kind := range report.Values {
			for _, size := range []int{1, 9, 10, 11, 40, 100, 1000} {
				l := report.Load{Format: format, Value: kind, Size: size, Batch: 3, Keys: 50, Partitions: 1}
				if format == "raw" {
					l.Batch = 1
				}
				list, err := bodies(l)
				if err != nil {
					t.Fatal(err)
				}
				keys := map[string]bool{}
				for _, body := range list {
					records := decode(t, format, body)
					if len(records) != l.Batch {
						t.Fatalf("%+v: %d records", l, len(records))
					}
					for _, r := range records {
						keys[*r.Key] = true
						if len(r.Value) != size {
							t.Fatalf("%+v: value %q", l, r.Value)
						}
						if kind == "json" && !json.Valid([]byte(r.Value)) {
							t.Fatalf("%+v: value %q is no JSON", l, r.Value)
						}
					}
				}
				if len(keys) != 50 || distinctKeys(l, len(list)) != 50 {
					t.Errorf("%+v: %d keys in %d bodies", l, len(keys), len(list))
				}
			}
		}
	}
}

func TestBodiesAreTheSameInEachRun(t *testing.T) {
	l := report.Load{Format: "json", Value: "json", Size: 100, Batch: 2}
	one, _ := bodies(l)
	two, _ := bodies(l)
	if !reflect.DeepEqual(one, two) {
		t.Error("the bodies differ")
	}
	if bytes.Equal(one[0].text, one[1].text) {
		t.Error("the rotation holds one body only")
	}
	if r := decode(t, "json", one[0]); r[0].Key != nil {
		t.Errorf("a key that nobody asked for: %s", *r[0].Key)
	}
}

func TestManyKeysAreBoundedByTheRotation(t *testing.T) {
	l := report.Load{Format: "json", Value: "letters", Size: 1 << 20, Batch: 1, Keys: 1000}
	list, err := bodies(l)
	if err != nil {
		t.Fatal(err)
	}
	if size := total(list); size > 2*rotationBytes {
		t.Errorf("the rotation holds %d bytes", size)
	}
	if r := newReport(&plan{config: Config{Load: l}.withDefaults(), cargo: cargo{Load: l, bodies: list}}); len(r.Notes) != 1 {
		t.Errorf("fewer keys than asked for, and the notes say %q", r.Notes)
	}
}

// franz-go reads what is written, whatever the compression, and so does our own reader, which e2e and --decode believe.
func TestBatchesAreReadAsWritten(t *testing.T) {
	for _, compression := range report.Compressions {
		for _, perBatch := range []int{0, 1, 3, 10} {
			l := report.Load{Format: "batch", Value: "json", Size: 300, Batch: 10, Keys: 7, Partitions: 1,
				Compression: compression, PerBatch: perBatch}
			list, err := bodies(l)
			if err != nil {
				t.Fatal(err)
			}
			want := decode(t, "batch", list[1])
			if l.Format = "json"; !reflect.DeepEqual(want, decode(t, "json", mustBodies(t, l)[1])) {
				t.Errorf("%s, %d a batch: other records than as JSON", compression, perBatch)
			}
			got, err := readBatches(list[1].text, 5)
			if err != nil || len(got) != 10 {
				t.Fatalf("%s: %v, %d records", compression, err, len(got))
			}
			for i, r := range got {
				if string(r.value) != want[i].Value || r.partition != 5 || r.offset != int64(i%cmp.Or(perBatch, 10)) {
					t.Errorf("%s, record %d: %+v, not %q", compression, i, r, want[i].Value)
				}
			}
		}
	}
}

func mustBodies(t *testing.T, l report.Load) []body {
	t.Helper()
	list, err := bodies(l)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A stamp changes a batch that was sealed; sealed anew it is whole again.
func TestStampedBatchesAreSealed(t *testing.T) {
	l := report.Load{Format: "batch", Value: "letters", Size: 60, Batch: 5, PerBatch: 2, Partitions: 3}
	p := &producers{run: 77, sent: newVerifier(60), by: map[int]*producer{}, make: func(connection int) stamped {
		s, err := stampedRequest(drive.Host{Name: "host"}, "t", connection, cargo{Load: l, direct: true}, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}}
	for number := range int64(2) {
		request := p.Next(7, 99)
		if !bytes.HasPrefix(request, []byte("POST /topics/t/records?partition=1 ")) {
			t.Errorf("%.60s", request)
		}
		_, text, _ := bytes.Cut(request, []byte("\r\n\r\n"))
		for i, r := range decode(t, "batch", body{text: text}) {
			s, ok := readStamp([]byte(r.Value))
			if want := (stamp{p.run, 7, 5*number + int64(i), 99}); !ok || s != want {
				t.Errorf("%+v, not %+v", s, want)
			}
		}
	}
}
