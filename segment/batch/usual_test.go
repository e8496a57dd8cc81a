package batch

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestUsualRecordsReadAsAll: both ways of reading see the same records and the same faults, wherever numbers change
// their length, the batch ends, or a byte is wrong.
func TestUsualRecordsReadAsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var b Builder
		for range 1 + r.IntN(4) {
			b.Add(anyNumber(r), anyField(r), anyField(r), anyHeaders(r)...)
		}
		p := Batch(bytes.Clone(b.Finish()))
		sameWalk(t, p)
		for range 20 {
			at := HeaderSize + r.IntN(len(p)-HeaderSize)
			before := p[at]
			p[at] = byte(r.Uint32())
			sameWalk(t, p)
			p[at] = before
		}
		binary.BigEndian.PutUint32(p[57:], uint32(r.IntN(6)))
		sameWalk(t, p[:HeaderSize+r.IntN(len(p)-HeaderSize+1)])
	}
}

// TestTheUsualAreRead keeps nextUsual from refusing everything, which no walk would show.
func TestTheUsualAreRead(t *testing.T) {
	var b Builder
	for i := range int64(200) {
		b.Add(1736937045123+i, []byte("user"), bytes.Repeat([]byte("x"), int(i)*10+8))
	}
	it := b.Finish().Records()
	usual := 0
	for it.nextUsual() {
		usual++
	}
	if usual < 199 {
		t.Errorf("%d of 200 usual records are read, then %x", usual, it.rest[:8])
	}
}

func sameWalk(t *testing.T, p Batch) {
	t.Helper()
	got, want := p.Records(), p.Records()
	for i := range 8 { // also after the end or a fault
		gotMore, wantMore := got.Next(), want.next()
		if gotMore != wantMore || (got.err == nil) != (want.err == nil) || got.left != want.left ||
			!bytes.Equal(got.rest, want.rest) {
			t.Fatalf("record %d of %x: %v %v, want %v %v", i, []byte(p), gotMore, got.err, wantMore, want.err)
		}
		if !gotMore {
			continue
		}
		if !sameRecord(&got.Record, &want.Record) {
			t.Fatalf("record %d of %x is %+v, want %+v", i, []byte(p), got.Record, want.Record)
		}
	}
}

func sameRecord(a, b *Record) bool {
	same := func(p, q []byte) bool { return (p == nil) == (q == nil) && bytes.Equal(p, q) && cap(p) == cap(q) }
	return a.OffsetDelta == b.OffsetDelta && a.TimestampDelta == b.TimestampDelta && same(a.Key, b.Key) &&
		same(a.Value, b.Value) && bytes.Equal(a.headers, b.headers) && a.headerCount == b.headerCount
}

func anyNumber(r *rand.Rand) int64 { return int64(r.Uint64() >> (r.IntN(40) + 24)) }

// anyField has lengths about where their varints grow.
func anyField(r *rand.Rand) []byte {
	sizes := []int{0, 1, 2, 7, 8, 62, 63, 64, 65, 8190, 8191, 8192, -1}
	n := sizes[r.IntN(len(sizes))]
	if n < 0 {
		return nil
	}
	return bytes.Repeat([]byte{byte(r.Uint32())}, n)
}

func anyHeaders(r *rand.Rand) (all []Header) {
	for range r.IntN(3) * r.IntN(40) {
		all = append(all, Header{Key: []byte("k"), Value: []byte("v")})
	}
	return all
}
