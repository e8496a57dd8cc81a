package recordjson_test

import (
	"bytes"
	"errors"
	"testing"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// now is the broker's clock in these tests: 2025-01-15T10:30:45.123Z.
const now = 1736937045123

// target has one partition and the default limits of the API.
// target is lenient, as before strictness is judged: strict_test.go has what is refused.
var target = recordjson.Target{
	Lenient:    true,
	Partitions: 1, Partition: -1, Now: now, Placements: true,
	Limits: recordjson.Limits{KeyBytes: 1024, ValueBytes: 1 << 20, HeaderBytes: 1024, Headers: 100, Records: 1000},
}

// record is a record as tests write it down; nil Key or Value is null.
type record struct {
	Partition  int
	Timestamp  int64
	Key, Value []byte
	Headers    []batch.Header
}

// decode decodes a body and copies the records of its batches, in request order.
func decode(tb testing.TB, body string, t recordjson.Target, lines bool) ([]record, *recordjson.Error) {
	tb.Helper()
	var d recordjson.Decoder
	t.Placements = true
	method := d.JSON
	if lines {
		method = d.NDJSON
	}
	req, err := method([]byte(body), t)
	if err != nil {
		var e *recordjson.Error
		if !errors.As(err, &e) {
			tb.Fatalf("the error is no *Error: %v", err)
		}
		return nil, e
	}
	defer d.Release(nil)
	return recordsOf(tb, req), nil
}

func recordsOf(tb testing.TB, req *recordjson.Request) []record {
	tb.Helper()
	parts := make([][]record, len(req.Parts))
	for i, p := range req.Parts {
		if err := errors.Join(p.Batch.Check(), p.Batch.CheckRecords()); err != nil {
			tb.Fatal(err)
		}
		parts[i] = read(p)
	}
	all := make([]record, 0, req.Count)
	for _, p := range req.Placements {
		all = append(all, parts[p.Part][0])
		parts[p.Part] = parts[p.Part][1:]
	}
	if len(all) != req.Count {
		tb.Fatalf("%d placements for %d records", len(all), req.Count)
	}
	return all
}

func read(p recordjson.Part) (all []record) {
	for it := p.Batch.Records(); it.Next(); {
		r := record{
			Partition: p.Partition,
			Timestamp: p.Batch.BaseTimestamp() + it.Record.TimestampDelta,
			Key:       bytes.Clone(it.Record.Key),
			Value:     bytes.Clone(it.Record.Value),
		}
		for headers := it.Record.Headers(); headers.Next(); {
			h := headers.Header
			r.Headers = append(r.Headers, batch.Header{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)})
		}
		all = append(all, r)
	}
	return all
}

// headers makes a header list of names and values in turn.
func headers(pairs ...string) (all []batch.Header) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, batch.Header{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return all
}
