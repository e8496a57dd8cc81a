package recordbody

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"flashq/segment/batch"
)

// Unpacker takes a compressed batch of a body apart. Its errors are about the body, and go to the client as they are.
type Unpacker interface {
	// Unpack gives the batch with its records decompressed, good until the next call; index is its place in the body.
	Unpack(index int, packed batch.Batch) (plain batch.Batch, err error)
}

// EngineProducers is the bit of a producer id that no client may set: those are the engine's own.
const EngineProducers = 1 << 62

const (
	attributes    = 0x3f // those that the format knows
	mostCodec     = 4
	corruptPrefix = "batch is corrupt: "
)

// Batches takes bodies that are batches already, one after the other: they are checked as a stranger's, and become
// parts as they came, without a copy. Its zero value is ready; it belongs to one goroutine at a time and is worth
// pooling.
type Batches struct {
	req    Request
	rest   []batch.Batch // of the one part
	target Target
	index  int   // of the batch that is looked at
	latest int64 // timestamp of the last record
}

// Decode checks all batches of a body, which must not be touched as long as the Request is used: its batches are views
// of it. The error is an *Error or one of u's.
func (b *Batches) Decode(body []byte, t Target, u Unpacker) (*Request, error) {
	b.target, b.index, b.rest, b.req = t, 0, b.rest[:0], Request{Parts: b.req.Parts[:0]}
	b.target.Limits = t.Limits.orEndless()
	partition, bad := t.place(nil)
	if bad != nil {
		return nil, bad
	}
	part := Part{Partition: partition, LastClock: ClientClock}
	for rest := body; len(rest) > 0; b.index++ {
		one, after, bad := b.split(rest)
		if bad != nil {
			return nil, bad
		}
		if err := b.check(one, u); err != nil {
			return nil, err
		}
		b.req.Count += int(one.Count())
		if b.index == 0 {
			part.Batch = batch.Batch(body[:len(one)]) // with the whole capacity: who keeps it has to count that
		} else {
			b.rest = append(b.rest, one)
		}
		rest = after
	}
	if b.index == 0 {
		return nil, problem(CodeRange, -1, "records", "the body has no batch")
	}
	part.Rest = b.rest
	if bad := repeatable(&part); bad != nil {
		return nil, bad
	}
	part.LastTimestamp = b.latest
	b.req.Parts = append(b.req.Parts, part)
	return &b.req, nil
}

// Release ends the Request.
func (b *Batches) Release() {
	clear(b.req.Parts)
	clear(b.rest)
	b.req.Parts, b.rest = b.req.Parts[:0], Emptied(b.rest)
	b.target = Target{}
}

// Emptied gives a list back without its items, to be filled again by a later request; one that is very long is left to
// the collector.
func Emptied[T any](list []T) []T {
	const mostKept = 4096
	if cap(list) > mostKept {
		return nil
	}
	return list[:0]
}

// Corrupt is an Error about a batch that can't be what somebody wrote.
func Corrupt(index int, what string) *Error {
	return problem(CodeCorrupt, index, "", fmt.Sprintf("batch %d is corrupt: %s", index, what))
}

func (b *Batches) corrupt(format string, args ...any) *Error {
	return Corrupt(b.index, fmt.Sprintf(format, args...))
}

// ofBatch is an Error about the batch that is looked at, whose index is that of its first record.
func (b *Batches) ofBatch(code, field, what string) *Error {
	return problem(code, b.req.Count, field, fmt.Sprintf("batch %d: %s", b.index, what))
}

// split takes the first batch off p.
func (b *Batches) split(p []byte) (one batch.Batch, after []byte, _ *Error) {
	const magicAt = 16
	if len(p) > magicAt && p[magicAt] != batch.Magic {
		return nil, nil, b.corrupt("its magic is %d; only version %d of Kafka's format is taken", p[magicAt], batch.Magic)
	}
	one, after, err := batch.Next(p)
	switch size, _ := batch.Size(p); {
	case errors.Is(err, batch.ErrShort) && size == 0:
		return nil, nil, b.corrupt("the body ends with %d bytes, which are no batch", len(p))
	case errors.Is(err, batch.ErrShort):
		return nil, nil, b.corrupt("it says that it has %d bytes, and the body ends after %d", size, len(p))
	case err != nil:
		return nil, nil, b.corrupt("%s", strings.TrimPrefix(err.Error(), corruptPrefix))
	}
	return one, after, nil
}

// check judges one batch as a whole.
func (b *Batches) check(one batch.Batch, u Unpacker) error {
	one.SetBaseOffset(0) // what a client says there means nothing
	if err := one.Check(); err != nil {
		return b.corrupt("%s", strings.TrimPrefix(err.Error(), corruptPrefix))
	}
	if bad := b.header(one); bad != nil {
		return bad
	}
	plain := one
	if one.Codec() != 0 {
		var err error
		if plain, err = u.Unpack(b.index, one); err != nil {
			return err
		}
	}
	if bad := b.records(plain, one.MaxTimestamp()); bad != nil {
		return bad
	}
	return nil
}

// header judges what a batch says of itself.
func (b *Batches) header(one batch.Batch) *Error {
	switch id := one.ProducerID(); {
	case one.Count() < 1:
		return b.corrupt("it has no record")
	case one.LastOffsetDelta() != one.Count()-1:
		return b.corrupt("it counts %d records, and its last offset is %d after its first", one.Count(),
			one.LastOffsetDelta())
	case one.IsControl():
		return b.unsupported("it is a control batch; there are no transactions here")
	case one.IsTransactional():
		return b.unsupported("it belongs to a transaction, and there are none here")
	case one.Attributes()&^attributes != 0:
		return b.corrupt("its attributes %#x are unknown", uint16(one.Attributes()))
	case one.Codec() > mostCodec:
		return b.corrupt("its compression %d is unknown", one.Codec())
	case one.IsLogAppendTime():
		return b.ofBatch(CodeRange, "timestamp", "its timestamps are of type LogAppendTime, a broker's; send CreateTime")
	case id < batch.NoProducer, id >= 0 && (one.ProducerEpoch() < 0 || one.BaseSequence() < 0):
		return b.corrupt("producer id %d, epoch %d and sequence %d are no producer's", id, one.ProducerEpoch(),
			one.BaseSequence())
	case id >= 0 && id&EngineProducers != 0:
		return b.unsupported(fmt.Sprintf("producer id %d has bit 62 set; those are what Idempotency-Keys become", id))
	}
	return nil
}

func (b *Batches) unsupported(what string) *Error {
	return problem(CodeUnsupported, b.index, "", fmt.Sprintf("batch %d: %s", b.index, what))
}

// mostNumbered is how many batches of one producer a body may have: by so many of its last ones a partition knows a
// producer's batches again, as in Kafka.
const mostNumbered = 5

// repeatable refuses a part that is stored, but whose retry would be refused.
func repeatable(part *Part) *Error {
	if len(part.Rest) == 0 {
		return nil
	}
	type numbers struct {
		epoch   int16
		batches int
	}
	var seen map[int64]numbers
	for index := range len(part.Rest) + 1 {
		one := part.Batch
		if index > 0 {
			one = part.Rest[index-1]
		}
		id := one.ProducerID()
		if id == batch.NoProducer {
			continue
		}
		n, known := seen[id]
		switch {
		case known && n.epoch != one.ProducerEpoch():
			return problem(CodeUnsupported, index, "", fmt.Sprintf("batch %d: producer id %d has epoch %d here and %d "+
				"before, and a retry would be fenced; send one epoch in a request", index, id, one.ProducerEpoch(), n.epoch))
		case n.batches == mostNumbered:
			return problem(CodeUnsupported, index, "", fmt.Sprintf("batch %d: more than %d batches of producer id %d in one "+
				"body, and a retry is known by the last %d alone; send fewer in a request, or leave the producer id out (-1) "+
				"and send an Idempotency-Key", index, mostNumbered, id, mostNumbered))
		case seen == nil:
			seen = map[int64]numbers{}
		}
		seen[id] = numbers{epoch: one.ProducerEpoch(), batches: n.batches + 1}
	}
	return nil
}

// records judges the records of a batch that is not compressed, or not any more; latest is what its header says their
// largest timestamp is.
func (b *Batches) records(plain batch.Batch, latest int64) *Error {
	t := &b.target
	base, most, end := plain.BaseTimestamp(), int64(math.MinInt64), t.Now+MaxAhead
	n := int32(0)
	it := plain.Records()
	for ; it.Next(); n++ {
		r := &it.Record
		if r.OffsetDelta != n {
			return b.corrupt("record %d has offset delta %d", n, r.OffsetDelta)
		}
		at := base + r.TimestampDelta
		most = max(most, at)
		b.latest = at
		if at < 0 || at > end || len(r.Key) > t.Limits.KeyBytes || len(r.Value) > t.Limits.ValueBytes ||
			r.HeaderCount() > t.Limits.Headers {
			return b.unfit(r, at, n)
		}
		if bad := b.headers(r, n); bad != nil {
			return bad
		}
		if t.Digest != nil {
			t.Digest.add(r, t.Partition, ClientClock, at)
		}
	}
	if err := it.Err(); err != nil {
		return b.corrupt("record %d: %s", n, strings.TrimPrefix(err.Error(), corruptPrefix))
	}
	if most != latest {
		return b.corrupt("its header says that the largest timestamp is %d, and it is %d", latest, most)
	}
	return nil
}

// headers judges a record's headers.
func (b *Batches) headers(r *batch.Record, n int32) *Error {
	it := r.Headers()
	for it.Next() {
		if bad := b.target.Limits.header(it.Header); bad != nil {
			return b.ofRecord(bad, n)
		}
	}
	if err := it.Err(); err != nil {
		return b.corrupt("record %d: %s", n, strings.TrimPrefix(err.Error(), corruptPrefix))
	}
	return nil
}

// unfit says what is wrong with a record that is whole, but is not taken.
func (b *Batches) unfit(r *batch.Record, at int64, n int32) *Error {
	bad := b.target.Limits.record(r.Key, r.Value, r.HeaderCount())
	if bad == nil {
		bad = checkTime(at, b.target.Now)
	}
	return b.ofRecord(bad, n)
}

// ofRecord makes an Error that of the n-th record of the batch that is looked at.
func (b *Batches) ofRecord(bad *Error, n int32) *Error {
	bad.Index = b.req.Count + int(n)
	bad.Message = fmt.Sprintf("batch %d, record %d: %s", b.index, n, bad.Message)
	return bad
}
