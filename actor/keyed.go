package actor

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"flashq/broker"
	"flashq/segment/batch"
)

// An append with a key: the caller claims the key in the topic's table and numbers the batches by it, and the owners
// find out what is stored already.

// producerOf is the producer id that a key stands for in a topic: the same after every restart.
func (t *topic) producerOf(key *broker.Key) int64 {
	buf := make([]byte, 0, 256)
	buf = append(buf, t.uuid[:]...)
	buf = binary.AppendUvarint(buf, uint64(len(key.Principal)))
	buf = append(buf, key.Principal...)
	buf = append(buf, key.Name...)
	sum := sha256.Sum256(buf)
	return int64(binary.BigEndian.Uint64(sum[:])&(batch.KeyProducers-1)) | batch.KeyProducers
}

// appendKeyed is Append with a key.
func (t *topic) appendKeyed(parts []broker.Part, how broker.How) error {
	for i := range parts { // before the key is anybody's
		if _, err := t.writable(parts[i].Partition); err != nil {
			return err
		}
	}
	key, id := how.Key, t.producerOf(how.Key)
	claim, err := t.keys.claim(id, key.Digest, len(parts))
	if err != nil {
		return &broker.TopicError{Topic: t.name, Err: err}
	}
	refused, learned := true, key.Digest // refused also where what follows panics
	defer func() { t.keys.conclude(claim, learned, refused, moment().Steady) }()
	for i := range parts {
		number(&parts[i], id)
	}
	if claim.what == unknownKey {
		same, err := t.compare(id, parts, key)
		if err != nil {
			return err
		}
		if !same {
			learned = [16]byte{} // else the request that it might not be would be refused from now on
		}
	}
	err = t.appendPlain(parts, how.Sync)
	refused = err != nil && storedNothing(err)
	key.Replayed = err == nil && allStored(parts)
	return err
}

// number has a part's batches numbered by a key.
func number(part *broker.Part, id int64) {
	part.Batch.SetProducer(id, 0, 0)
	next := part.Batch.LastOffsetDelta() + 1
	for i := range part.Rest {
		b := part.Rest[i].Batch
		b.SetProducer(id, 0, next)
		next += b.LastOffsetDelta() + 1
	}
}

// numberedByKey tells of batches with the producer id of a key, which nobody may give them but number.
func numberedByKey(parts []broker.Part) bool {
	for i := range parts {
		if batch.IsKeyProducer(parts[i].Batch.ProducerID()) {
			return true
		}
		for k := range parts[i].Rest {
			if batch.IsKeyProducer(parts[i].Rest[k].Batch.ProducerID()) {
				return true
			}
		}
	}
	return false
}

// storedNothing tells of an append of which certainly nothing stands in the log.
func storedNothing(err error) bool {
	var partial *broker.PartialError
	if errors.As(err, &partial) {
		return false
	}
	for _, unknown := range []error{broker.ErrStorage, broker.ErrDraining, broker.ErrTopicNotFound} {
		if errors.Is(err, unknown) {
			return false // it may have been written and not synced
		}
	}
	return true
}

// allStored tells that everything was stored by an earlier call.
func allStored(parts []broker.Part) bool {
	for i := range parts {
		if !parts[i].Duplicate {
			return false
		}
		for _, more := range parts[i].Rest {
			if !more.Duplicate {
				return false
			}
		}
	}
	return true
}
