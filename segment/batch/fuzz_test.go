package batch_test

import (
	"bytes"
	"errors"
	"testing"

	"flashq/segment/batch"
)

// FuzzNext splits any bytes into batches: never a panic, and what was split off makes up the bytes again.
func FuzzNext(f *testing.F) {
	b := build(records)
	f.Add([]byte(b))
	f.Add(append(bytes.Clone(b), b[:100]...))
	f.Add([]byte(unhex(f, golden)))
	f.Add([]byte{})
	f.Add(make([]byte, 61))
	f.Fuzz(func(t *testing.T, p []byte) {
		rest := p
		var valid []byte
		for {
			b, after, err := batch.Next(rest)
			if err != nil {
				if !errors.Is(err, batch.ErrShort) && !errors.Is(err, batch.ErrCorrupt) {
					t.Fatalf("unknown fault: %v", err)
				}
				break
			}
			if len(b) < batch.HeaderSize || len(b)+len(after) != len(rest) {
				t.Fatalf("%d bytes split into %d and %d", len(rest), len(b), len(after))
			}
			valid = append(valid, b...)
			rest = after
		}
		if !bytes.Equal(valid, p[:len(p)-len(rest)]) {
			t.Fatal("the batches are not what the bytes began with")
		}
	})
}

// FuzzRecords walks any bytes as records: never a panic, and the records before a fault, built again, read the same.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(build(records)))
	f.Add([]byte(unhex(f, goldenOne)))
	spoiled := build(records)
	spoiled[80] ^= 0x40
	f.Add([]byte(spoiled))
	f.Fuzz(func(t *testing.T, p []byte) {
		b, _, err := batch.Next(p)
		if err != nil {
			return
		}
		whole := b.Check() == nil && b.Codec() == 0 && b.CheckRecords() == nil
		good, walked := prefix(b)
		if whole && len(good) != int(b.Count()) {
			t.Fatalf("checked, but only %d of %d records can be read", len(good), b.Count())
		}
		if whole != walked && whole {
			t.Fatal("checked, but the walk ends with a fault")
		}
		if len(good) == 0 {
			return
		}
		again := build(good)
		if err := errors.Join(again.Check(), again.CheckRecords()); err != nil {
			t.Fatal(err)
		}
		if got := read(t, again); !equal(good, got) {
			t.Fatalf("built again: %v, before: %v", got, good)
		}
	})
}

// prefix reads records up to the first fault; timestamps are the deltas, which no sum can overflow.
func prefix(b batch.Batch) (good []record, whole bool) {
	it := b.Records()
	for it.Next() {
		r := record{Timestamp: it.Record.TimestampDelta, Key: it.Record.Key, Value: it.Record.Value}
		headers := it.Record.Headers()
		for headers.Next() {
			r.Headers = append(r.Headers, headers.Header)
		}
		if headers.Err() != nil {
			return good, false
		}
		good = append(good, r)
	}
	return good, it.Err() == nil
}

func equal(a, b []record) bool {
	if len(a) != len(b) {
		return false
	}
	same := func(p, q []byte) bool { return (p == nil) == (q == nil) && bytes.Equal(p, q) }
	for i := range a {
		if a[i].Timestamp != b[i].Timestamp || !same(a[i].Key, b[i].Key) || !same(a[i].Value, b[i].Value) ||
			len(a[i].Headers) != len(b[i].Headers) {
			return false
		}
		for k, h := range a[i].Headers {
			if g := b[i].Headers[k]; !same(h.Key, g.Key) || !same(h.Value, g.Value) {
				return false
			}
		}
	}
	return true
}
