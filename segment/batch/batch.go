package batch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"flashq/crc32c"
)

// Field positions within a batch.
const (
	posBaseOffset      = 0
	posLength          = 8
	posLeaderEpoch     = 12
	posMagic           = 16
	posCRC             = 17
	posAttributes      = 21
	posLastOffsetDelta = 23
	posBaseTimestamp   = 27
	posMaxTimestamp    = 35
	posProducerID      = 43
	posProducerEpoch   = 51
	posBaseSequence    = 53
	posCount           = 57

	// HeaderSize is the size in bytes of everything before the first record.
	HeaderSize = 61
	// PrefixSize is how many bytes Size needs: baseOffset and batchLength.
	PrefixSize = 12
	// Magic is the only record format that this package reads or writes.
	Magic = 2
	// NoProducer is the producer id of a batch that nobody numbers.
	NoProducer = -1

	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

var (
	// ErrShort is returned when the bytes end before the batch does.
	ErrShort = errors.New("batch is cut short")
	// ErrCorrupt is returned when the bytes can't be a batch, or not the one that was written.
	ErrCorrupt = errors.New("batch is corrupt")
)

// Batch is a view of exactly one whole batch. Views are made by Next; the accessors trust the length that it checked.
type Batch []byte

// Size reads the whole size in bytes that the batch starting at p claims to have. p holds at least PrefixSize bytes,
// else ErrShort; a length too small for a header is ErrCorrupt.
func Size(p []byte) (int, error) {
	if len(p) < PrefixSize {
		return 0, ErrShort
	}
	n := int(int32(binary.BigEndian.Uint32(p[posLength:])))
	if n < HeaderSize-PrefixSize {
		return 0, fmt.Errorf("%w: length %d", ErrCorrupt, n)
	}
	return n + PrefixSize, nil
}

// Next splits the first batch off p without looking into it: ErrShort when p ends before the batch does.
func Next(p []byte) (b Batch, rest []byte, err error) {
	n, err := Size(p)
	if err != nil {
		return nil, p, err
	}
	if n > len(p) {
		return nil, p, ErrShort
	}
	return Batch(p[:n:n]), p[n:], nil
}

// BaseOffset is the offset of the first record.
func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b[posBaseOffset:])) }

// LastOffset is the offset of the last record.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// LeaderEpoch is the epoch of the owner that stamped the batch.
func (b Batch) LeaderEpoch() int32 { return int32(binary.BigEndian.Uint32(b[posLeaderEpoch:])) }

// Version is the record format that the batch claims to be in.
func (b Batch) Version() int8 { return int8(b[posMagic]) }

// CRC is the stored checksum, not a computed one.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[posCRC:]) }

// Attributes holds codec, timestamp type and the transactional and control bits.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[posAttributes:])) }

// Codec is Kafka's compression number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
func (b Batch) Codec() int { return int(b.Attributes() & attrCodec) }

// IsControl tells whether the batch holds transaction markers instead of records.
func (b Batch) IsControl() bool { return b.Attributes()&attrControl != 0 }

// IsTransactional tells whether the batch belongs to a transaction.
func (b Batch) IsTransactional() bool { return b.Attributes()&attrTransactional != 0 }

// IsLogAppendTime tells whether every record carries the batch's max timestamp instead of its own.
func (b Batch) IsLogAppendTime() bool { return b.Attributes()&attrLogAppendTime != 0 }

// LastOffsetDelta is the last record's offset minus the base offset.
func (b Batch) LastOffsetDelta() int32 { return int32(binary.BigEndian.Uint32(b[posLastOffsetDelta:])) }

// BaseTimestamp is what the records' timestamp deltas are added to, in milliseconds.
func (b Batch) BaseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[posBaseTimestamp:])) }

// MaxTimestamp is the largest timestamp of any record, in milliseconds.
func (b Batch) MaxTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[posMaxTimestamp:])) }

// ProducerID is who numbered the batch, or NoProducer.
func (b Batch) ProducerID() int64 { return int64(binary.BigEndian.Uint64(b[posProducerID:])) }

// ProducerEpoch fences older instances of the same producer.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[posProducerEpoch:])) }

// BaseSequence is the producer's number of the first record.
func (b Batch) BaseSequence() int32 { return int32(binary.BigEndian.Uint32(b[posBaseSequence:])) }

// Count is the number of records.
func (b Batch) Count() int32 { return int32(binary.BigEndian.Uint32(b[posCount:])) }

// SetBaseOffset stamps the offset of the first record. The CRC does not cover it.
func (b Batch) SetBaseOffset(offset int64) {
	binary.BigEndian.PutUint64(b[posBaseOffset:], uint64(offset))
}

// SetLeaderEpoch stamps the owner's epoch. The CRC does not cover it.
func (b Batch) SetLeaderEpoch(epoch int32) {
	binary.BigEndian.PutUint32(b[posLeaderEpoch:], uint32(epoch))
}

// ShiftTimestamps moves every record's timestamp by delta milliseconds and computes the CRC again.
func (b Batch) ShiftTimestamps(delta int64) {
	binary.BigEndian.PutUint64(b[posBaseTimestamp:], uint64(b.BaseTimestamp()+delta))
	binary.BigEndian.PutUint64(b[posMaxTimestamp:], uint64(b.MaxTimestamp()+delta))
	b.seal()
}

// seal computes and stores the CRC.
func (b Batch) seal() { binary.BigEndian.PutUint32(b[posCRC:], b.computeCRC()) }

func (b Batch) computeCRC() uint32 { return crc32c.Checksum(b[posAttributes:]) }

// CRCHolds tells whether the bytes that the CRC covers are as they were written.
func (b Batch) CRCHolds() bool { return b.computeCRC() == b.CRC() }

// WithCount gives a copy whose header counts n records, with the CRC as it is: to find out which of two damaged fields
// is right.
func (b Batch) WithCount(n int32) Batch {
	mended := append(Batch(nil), b...)
	binary.BigEndian.PutUint32(mended[posLastOffsetDelta:], uint32(n-1))
	binary.BigEndian.PutUint32(mended[posCount:], uint32(n))
	return mended
}

// Check verifies the CRC and the header fields that it does not cover. nil means that every byte from posAttributes on
// is as it was written; base offset and leader epoch are the caller's to judge, who knows what they should be.
func (b Batch) Check() error {
	if m := b[posMagic]; m != Magic {
		return fmt.Errorf("%w: magic %d", ErrCorrupt, m)
	}
	if got, want := b.computeCRC(), b.CRC(); got != want {
		return fmt.Errorf("%w: crc %08x, header says %08x", ErrCorrupt, got, want)
	}
	if b.BaseOffset() < 0 || b.LastOffsetDelta() < 0 || b.Count() < 0 || b.LastOffset()+1 <= 0 {
		return fmt.Errorf("%w: negative or endless offset or count", ErrCorrupt)
	}
	return nil
}

// CheckRecords walks the records of an uncompressed batch and verifies that lengths, count and deltas agree: what a
// stranger's batch must pass before it is stored. Batches built here have no need of it.
func (b Batch) CheckRecords() error {
	if b.Codec() != 0 {
		return fmt.Errorf("%w: records are compressed", ErrCorrupt)
	}
	it := b.Records()
	next := int32(0)
	for it.Next() {
		if it.Record.OffsetDelta != next {
			return fmt.Errorf("%w: record %d has offset delta %d", ErrCorrupt, next, it.Record.OffsetDelta)
		}
		if err := it.Record.checkHeaders(); err != nil {
			return err
		}
		next++
	}
	if it.err != nil {
		return it.err
	}
	if next == 0 || b.LastOffsetDelta() != next-1 {
		return fmt.Errorf("%w: %d records, last offset delta %d", ErrCorrupt, next, b.LastOffsetDelta())
	}
	return nil
}
