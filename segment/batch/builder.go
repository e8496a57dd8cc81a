package batch

import (
	"encoding/binary"
	"math/bits"
)

// Builder encodes one batch into Buf. The caller announces a record's sizes with Begin and then appends its fields to
// Buf itself, so that a decoder can unescape straight into the batch and no record is ever held as a struct:
//
//	b.Begin(ts, Sizes{Key: 3, Value: 5, Headers: n, HeaderCount: 1})
//	b.Buf = append(b.Buf, key...)        // exactly Sizes.Key bytes
//	b.BeginValue(5)
//	b.Buf = append(b.Buf, value...)      // exactly Sizes.Value bytes
//	b.BeginHeaders(1)
//	b.Buf = AppendVarint(b.Buf, len(k)); append k; AppendVarint(len(v)); append v
//
// A Builder belongs to one goroutine. Reset makes it ready for the next batch.
type Builder struct {
	Buf []byte

	count   int32
	baseTS  int64
	maxTS   int64
	lastTS  int64
	started bool
}

// Sizes are the encoded sizes of one record's fields in bytes; -1 is null for Key and Value. Headers is the size of
// all headers with their own lengths (see HeaderSizeOf), without the count.
type Sizes struct {
	Key, Value           int
	Headers, HeaderCount int
}

// Reset starts an empty batch in buf, whose capacity is used.
func (b *Builder) Reset(buf []byte) { *b = Builder{Buf: buf[:0]} }

// Count is how many records were begun.
func (b *Builder) Count() int { return int(b.count) }

// LastTimestamp is the timestamp of the record that was begun last.
func (b *Builder) LastTimestamp() int64 { return b.lastTS }

// MaxTimestamp is the largest timestamp of any record so far.
func (b *Builder) MaxTimestamp() int64 { return b.maxTS }

// Begin writes what stands before a record's key bytes.
func (b *Builder) Begin(timestamp int64, s Sizes) {
	if !b.started {
		b.started = true
		b.baseTS, b.maxTS = timestamp, timestamp
		b.Buf = append(b.Buf[:0], make([]byte, HeaderSize)...)
	}
	b.maxTS = max(b.maxTS, timestamp)
	b.lastTS = timestamp
	tsDelta, offsetDelta := timestamp-b.baseTS, int64(b.count)
	length := 1 + VarintSize(tsDelta) + VarintSize(offsetDelta) + nullableSize(s.Key) + nullableSize(s.Value) +
		VarintSize(int64(s.HeaderCount)) + s.Headers
	b.Buf = AppendVarint(b.Buf, int64(length))
	b.Buf = append(b.Buf, 0)
	b.Buf = AppendVarint(b.Buf, tsDelta)
	b.Buf = AppendVarint(b.Buf, offsetDelta)
	b.Buf = AppendVarint(b.Buf, int64(s.Key))
	b.count++
}

// BeginValue writes the length of the value; -1 is null.
func (b *Builder) BeginValue(size int) { b.Buf = AppendVarint(b.Buf, int64(size)) }

// BeginHeaders writes the number of headers that follow.
func (b *Builder) BeginHeaders(count int) { b.Buf = AppendVarint(b.Buf, int64(count)) }

// Add encodes a whole record at once, for callers that hold one: nil is null.
func (b *Builder) Add(timestamp int64, key, value []byte, headers ...Header) {
	s := Sizes{Key: sizeOf(key), Value: sizeOf(value), HeaderCount: len(headers)}
	for _, h := range headers {
		s.Headers += HeaderSizeOf(sizeOf(h.Key), sizeOf(h.Value))
	}
	b.Begin(timestamp, s)
	b.Buf = append(b.Buf, key...)
	b.BeginValue(s.Value)
	b.Buf = append(b.Buf, value...)
	b.BeginHeaders(len(headers))
	for _, h := range headers {
		b.Buf = append(AppendVarint(b.Buf, int64(len(h.Key))), h.Key...)
		b.Buf = append(AppendVarint(b.Buf, int64(sizeOf(h.Value))), h.Value...)
	}
}

// Finish fills the header in, CRC included, and gives the batch with base offset 0 and epoch 0. It stays valid until
// Reset. An empty builder has no batch: nil.
func (b *Builder) Finish() Batch {
	if b.count == 0 {
		return nil
	}
	p := b.Buf
	binary.BigEndian.PutUint32(p[posLength:], uint32(len(p)-PrefixSize))
	p[posMagic] = Magic
	binary.BigEndian.PutUint32(p[posLastOffsetDelta:], uint32(b.count-1))
	binary.BigEndian.PutUint64(p[posBaseTimestamp:], uint64(b.baseTS))
	binary.BigEndian.PutUint64(p[posMaxTimestamp:], uint64(b.maxTS))
	none := int64(NoProducer)
	binary.BigEndian.PutUint64(p[posProducerID:], uint64(none))
	binary.BigEndian.PutUint16(p[posProducerEpoch:], uint16(none&0xffff))
	binary.BigEndian.PutUint32(p[posBaseSequence:], uint32(none&0xffffffff))
	binary.BigEndian.PutUint32(p[posCount:], uint32(b.count))
	out := Batch(p) // with its whole capacity: who adopts it has to count that
	out.seal()
	return out
}

// AppendVarint appends v as Kafka writes it: zigzag, seven bits a byte, low bits first.
func AppendVarint(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	if u < 0x80 {
		return append(dst, byte(u))
	}
	return binary.AppendUvarint(dst, u)
}

// VarintSize is how many bytes AppendVarint writes.
func VarintSize(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	return (bits.Len64(u|1) + 6) / 7
}

// HeaderSizeOf is the encoded size of one header with a key and value of these sizes; value -1 is null.
func HeaderSizeOf(key, value int) int { return nullableSize(key) + nullableSize(value) }

func nullableSize(n int) int { return VarintSize(int64(n)) + max(n, 0) }

func sizeOf(p []byte) int {
	if p == nil {
		return -1
	}
	return len(p)
}
