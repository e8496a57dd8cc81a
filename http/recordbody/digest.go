package recordbody

import (
	"crypto/sha256"
	"hash"

	"flashq/segment/batch"
)

// Digest is what a request's records come to, whatever the format in which they came: of each, in their order, the key,
// the value, the headers, and partition and timestamp where the request says them. Its zero value is ready; it belongs
// to one goroutine.
//
// A time before now counts as what the request says, so that a later try is the same.
//
// Everything is written with its length or in numbers of a known form, so that no two lists of records are written the
// same: partition (-1: not said), the timestamp's Clock and what it says, key, value, number of headers, their names
// and values; all numbers as varints, -1 as the length of what is null.
type Digest struct {
	hash    hash.Hash
	scratch []byte
	parts   []batch.Iterator
}

// Reset begins a new request.
func (d *Digest) Reset() {
	if d.hash == nil {
		d.hash = sha256.New()
	}
	d.hash.Reset()
}

// Sum gives the digest of all records.
func (d *Digest) Sum() (sum [16]byte) {
	d.scratch = d.hash.Sum(d.scratch[:0])
	copy(sum[:], d.scratch)
	return sum
}

// AddAll adds the records of a request that has its placements, and batches that are not compressed.
func (d *Digest) AddAll(r *Request, now int64) {
	for i := range r.Parts {
		d.parts = append(d.parts, r.Parts[i].Batch.Records())
	}
	for _, p := range r.Placements {
		part, it := &r.Parts[p.Part], &d.parts[p.Part]
		it.Next()
		partition := -1
		if p.Named {
			partition = part.Partition
		}
		at := int64(0)
		if p.Time != BrokerClock {
			at = part.Batch.BaseTimestamp() + it.Record.TimestampDelta
		}
		if p.Time == Ago {
			at -= now
		}
		d.add(&it.Record, partition, p.Time, at)
	}
	clear(d.parts) // they point into the batches
	d.parts = d.parts[:0]
}

// add adds one record; at is what its clock says.
func (d *Digest) add(r *batch.Record, partition int, clock Clock, at int64) {
	d.scratch = batch.AppendVarint(d.scratch[:0], int64(partition))
	d.scratch = batch.AppendVarint(append(d.scratch, byte(clock)), at)
	d.field(r.Key)
	d.field(r.Value)
	d.scratch = batch.AppendVarint(d.scratch, int64(r.HeaderCount()))
	for it := r.Headers(); it.Next(); {
		d.field(it.Header.Key)
		d.field(it.Header.Value)
	}
	d.flush()
}

// field writes bytes with their length; nil is null.
func (d *Digest) field(p []byte) {
	const small = 256
	if p == nil {
		d.scratch = batch.AppendVarint(d.scratch, -1)
		return
	}
	d.scratch = batch.AppendVarint(d.scratch, int64(len(p)))
	if len(p) <= small {
		d.scratch = append(d.scratch, p...)
		return
	}
	d.flush()
	_, _ = d.hash.Write(p) // a hash takes everything
}

func (d *Digest) flush() {
	_, _ = d.hash.Write(d.scratch)
	d.scratch = d.scratch[:0]
}
