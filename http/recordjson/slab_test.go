package recordjson

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"flashq/slab"
)

// TestOneSlabForOnePartition: it is of the body's size and never has to grow, whatever the records look like.
func TestOneSlabForOnePartition(t *testing.T) {
	for name, record := range map[string]string{
		"smallest":   `{"value":1}`,
		"plain":      `{"value":"` + strings.Repeat("v", 1000) + `"}`,
		"keys":       `{"key":"","value":""}`,
		"timestamps": `{"value":"","timestamp":0}`,
		"headers":    `{"value":1,"headers":{"":"","a":"","b":"","c":""}}`,
		"nulls":      `{"value":1,"headers":[{"key":"","value":null}]}`,
	} {
		body := bytes.Repeat([]byte(record+"\n"), 1<<20/(len(record)+1))
		var d Decoder
		req, err := d.NDJSON(body, Target{Partitions: 1, Partition: -1, Now: 1736937045123})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		fresh := slab.Get(len(body) + recordRoom)
		if got := cap(d.parts[0].Buf); got != cap(fresh) {
			t.Errorf("%s: body of %d bytes, batch of %d, slab of %d", name, len(body), len(req.Parts[0].Batch), got)
		}
		slab.Put(fresh)
		d.Release(nil)
	}
}

// TestWorkingMemoryIsBounded: a Decoder that met an unusual body does not keep what it took.
func TestWorkingMemoryIsBounded(t *testing.T) {
	var d Decoder
	big := strings.Repeat(`\n`, 9<<20)
	var names strings.Builder
	for i := range 200_000 {
		names.WriteString(`"` + strings.Repeat("n", i%3) + string(AppendTime(nil, int64(i))) + `":1,`)
	}
	for _, body := range []string{
		`{"key":"` + big + `","value":"` + big + `"}`,
		`{` + names.String() + `"value":1}`,
		`{"value":1,"x":0,"y":0,"headers":[{"x":0,"key":"a","value":"b"},{"key":"c","value":"d"}]}`,
		`{"value":1,"headers":[` + strings.Repeat(`{"key":"","value":""},`, 200_000) + `{"key":"","value":""}]}`,
		strings.Repeat("{\"value\":1}\n", 600_000),
	} {
		if _, err := d.NDJSON([]byte(body), Target{Lenient: true, Partitions: 1, Partition: -1, Placements: true}); err != nil {
			t.Fatal(err)
		}
		d.Release(nil)
		if _, err := d.NDJSON([]byte(`{"value":1}`), Target{Partitions: 1, Partition: -1}); err != nil {
			t.Fatal(err)
		}
		d.Release(nil)
		kept := []int{cap(d.scratch), 8 * cap(d.starts), 24 * cap(d.names), 48 * cap(d.rec.headers), 4 * cap(d.req.Placements)}
		if slices.Max(kept) > maxKept {
			t.Errorf("keeps %d bytes", kept)
		}
		for _, h := range d.rec.headers[:cap(d.rec.headers)] {
			if h.Key != nil || h.Value != nil {
				t.Fatal("a header still points to the body")
			}
		}
		for _, name := range d.names[:cap(d.names)] {
			if name != nil {
				t.Fatal("a name still points to the body")
			}
		}
		if d.p != nil || d.rec.key != nil || d.rec.value.raw != nil || d.parts[:1][0].Buf != nil {
			t.Error("still points to the body or a slab")
		}
	}
}
