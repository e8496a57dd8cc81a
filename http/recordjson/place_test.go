package recordjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/http/recordbody"
	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// TestPlacement: the record's partition wins, then the request's, then the key, then the request's sticky one.
func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		record  string
		request int
		want    int
	}{
		{`{"partition":3,"key":"user123","value":1}`, 5, 3},
		{`{"partition":0,"key":"user123","value":1}`, -1, 0},
		{`{"key":"user123","value":1}`, 5, 5},
		{`{"key":"user123","value":1}`, 0, 0},
		{`{"key":"user123","value":1}`, -1, batch.Partition([]byte("user123"), 7)},
		{`{"key_base64":"AP8=","value":1}`, -1, batch.Partition([]byte{0, 0xff}, 7)},
		{`{"key":"gr\u00f6\u00dfe","value":1}`, -1, batch.Partition([]byte("größe"), 7)},
		{`{"key":"","value":1}`, -1, batch.Partition(nil, 7)},
		{`{"value":1}`, 5, 5},
		{`{"value":1}`, -1, 6},
		{`{"key":null,"value":1}`, -1, 6},
	} {
		seven := recordjson.Target{Partitions: 7, Partition: c.request, Sticky: 6, Now: now}
		got, err := decode(t, c.record, seven, true)
		if err != nil || got[0].Partition != c.want {
			t.Errorf("%s, request %d: %+v, %v, want partition %d", c.record, c.request, got, err, c.want)
		}
	}
	_, err := decode(t, `{"value":1}`, recordjson.Target{Partitions: 2, Partition: 2, Now: now}, true)
	if err == nil || err.Code != noPartition || err.Partition != 2 || err.Index != -1 {
		t.Errorf("a request's partition that does not exist: %v", err)
	}
}

// TestParts: one batch a partition, in order of first use, each in request order.
func TestParts(t *testing.T) {
	const body = `{"partition":2,"value":"a","timestamp":5000}
{"partition":0,"value":"b"}
{"partition":2,"value":"c"}
{"partition":1,"value":"d","timestamp":null}
{"partition":1,"value":"e","timestamp":4000}
{"partition":0,"value":"f"}
`
	var d recordjson.Decoder
	defer d.Release(nil)
	req, err := d.NDJSON([]byte(body), recordjson.Target{Partitions: 3, Partition: -1, Now: now, Placements: true})
	if err != nil {
		t.Fatal(err)
	}
	places := []recordjson.Placement{
		{Part: 0, Named: true, Time: recordbody.ClientClock}, {Part: 1, Named: true}, {Part: 0, Named: true}, {Part: 2, Named: true},
		{Part: 2, Named: true, Time: recordbody.ClientClock}, {Part: 1, Named: true},
	}
	if diff := cmp.Diff(places, req.Placements); diff != "" {
		t.Errorf("placements (-want +got):\n%s", diff)
	}
	if req.Count != 6 || req.LastPart != 1 {
		t.Errorf("count %d, last part %d", req.Count, req.LastPart)
	}
	got := make([]string, 0, 3)
	for _, p := range req.Parts {
		values := ""
		for _, r := range read(p) {
			values += string(r.Value)
		}
		got = append(got, fmt.Sprint(p.Partition, values, p.BrokerTime, p.LastTimestamp, p.Batch.MaxTimestamp()))
	}
	want := []string{
		fmt.Sprint(2, "ac", false, now, now), fmt.Sprint(0, "bf", true, now, now), fmt.Sprint(1, "de", false, 4000, now),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func TestPlacementsOnlyWhenAsked(t *testing.T) {
	var d recordjson.Decoder
	defer d.Release(nil)
	req, err := d.NDJSON([]byte(`{"value":1}`), recordjson.Target{Partitions: 1, Partition: -1, Now: now})
	if err != nil || len(req.Placements) != 0 {
		t.Errorf("%v, %v", req, err)
	}
}

// TestReuse: one Decoder, many bodies; nothing of one may show in the next, not even after an error.
func TestReuse(t *testing.T) {
	var d recordjson.Decoder
	three := recordjson.Target{Lenient: true, Partitions: 3, Partition: -1, Now: now, Placements: true}
	for round := range 20 {
		many := 1 + round*7%40
		body := strings.Repeat(`{"partition":1,"key":"k\t","value":"v\n\u00e4","headers":{"h\\":"w\""},"x":1}`+"\n", many)
		if _, err := d.NDJSON([]byte(body+`{"partition":2,"value":1`), three); err == nil {
			t.Fatal("a cut body was taken")
		}
		req, err := d.NDJSON([]byte(body), three)
		if err != nil {
			t.Fatal(err)
		}
		got := recordsOf(t, req)
		want := record{
			Partition: 1, Timestamp: now, Key: []byte("k\t"), Value: []byte("v\nä"), Headers: headers(`h\`, `w"`),
		}
		if len(got) != many || len(req.Parts) != 1 {
			t.Fatalf("%d records in %d parts, want %d in 1", len(got), len(req.Parts), many)
		}
		for _, r := range got {
			if diff := cmp.Diff(want, r); diff != "" {
				t.Fatalf("round %d (-want +got):\n%s", round, diff)
			}
		}
		d.Release(nil)
		// More partitions than before must be no surprise either.
		three.Partitions++
	}
}

// TestAdoptedPartsStayWhole: what Release was told to keep belongs to another owner; no later body may write over it.
func TestAdoptedPartsStayWhole(t *testing.T) {
	var d recordjson.Decoder
	two := recordjson.Target{Partitions: 2, Partition: -1, Now: now}
	var kept []batch.Batch
	for i := range 50 {
		body := fmt.Sprintf(`{"partition":0,"value":"kept %d"}`+"\n"+`{"partition":1,"value":"given back %d"}`, i, i)
		req, err := d.NDJSON([]byte(body), two)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, req.Parts[0].Batch)
		d.Release(func(part int) bool { return part == 0 })
	}
	for i, b := range kept {
		it := b.Records()
		if err := b.Check(); err != nil || !it.Next() || string(it.Record.Value) != fmt.Sprintf("kept %d", i) {
			t.Errorf("batch %d: %v, %q", i, err, it.Record.Value)
		}
	}
}

// TestDecodeDoesNotAllocate, once a Decoder has seen a body of the kind.
func TestDecodeDoesNotAllocate(t *testing.T) {
	const item = `{"key_base64":"AAAA","value_base64":"AAAA","headers":[{"key":"a","value_base64":"AAAA"}],"x":"\n"}`
	listed := strings.Repeat(item+"\n", 50)
	four := recordjson.Target{Lenient: true, Partitions: 4, Partition: -1, Now: now, Placements: true}
	for name, body := range map[string][]byte{"flights": flightLines(t, 200), "listed": []byte(listed)} {
		var d recordjson.Decoder
		var errs error
		allocs := testing.AllocsPerRun(20, func() {
			_, err := d.NDJSON(body, four)
			errs = errors.Join(errs, err)
			d.Release(nil)
		})
		if errs != nil || allocs >= 1 {
			t.Errorf("%s: %v allocations a body, %v", name, allocs, errs)
		}
	}
}
