package batch

import (
	"encoding/binary"
	"math"
)

// KeyProducers is the bit in a producer id that tells of an idempotency key: the id is its hash. No producer's own id
// has it.
const KeyProducers = 1 << 62

// IsKeyProducer tells whether a producer id was made of an idempotency key.
func IsKeyProducer(id int64) bool { return id >= KeyProducers }

// SetProducer stamps who numbered the batch, and computes the CRC again.
func (b Batch) SetProducer(id int64, epoch int16, sequence int32) {
	binary.BigEndian.PutUint64(b[posProducerID:], uint64(id))
	binary.BigEndian.PutUint16(b[posProducerEpoch:], uint16(epoch))
	binary.BigEndian.PutUint32(b[posBaseSequence:], uint32(sequence))
	b.seal()
}

// LastSequence is the producer's number of the last record.
func (b Batch) LastSequence() int32 { return AddSequence(b.BaseSequence(), b.LastOffsetDelta()) }

// AddSequence counts on from a sequence: after 2^31-1 comes 0.
func AddSequence(sequence, n int32) int32 { return int32((int64(sequence) + int64(n)) & math.MaxInt32) }
