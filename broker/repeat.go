package broker

import (
	"errors"
	"fmt"

	"flashq/segment/batch"
)

// What makes an append one that may be repeated: batches that a producer has numbered, or a Key for the whole of it.

// How says how durable an append has to be, and by which key it may be repeated.
type How struct {
	Sync bool // answered only when it is synced, whatever the engine does by itself
	Key  *Key // nil: none
}

// Key makes an append one that may be repeated: the same once more is answered with what was stored then, and what was
// stored in part is completed. The engine numbers its batches by the key, so they must have no producer.
type Key struct {
	Principal, Name string   // who says it, and what they call it
	Digest          [16]byte // of the whole request, and not all zero: a key stands for one
	Clock           int64    // what records have as their timestamp that came without one, milliseconds

	// Set by Append.
	Replayed bool // all of it was stored by an earlier call
}

// More is one more batch of a Part.
type More struct {
	Batch batch.Batch

	// Set by Append, as in Part.
	BaseOffset int64
	Timestamp  int64
	Duplicate  bool
}

var (
	// ErrOutOfOrderSequence is returned for a batch that does not go on where its producer's last one ended; nothing was
	// stored in its partition.
	ErrOutOfOrderSequence = errors.New("out of order sequence")
	// ErrProducerFenced is returned for a batch of an epoch that its producer has left behind; nothing was stored in its
	// partition.
	ErrProducerFenced = errors.New("producer is fenced")
	// ErrKeyReused is returned for a Key that stands for another request; nothing was stored.
	ErrKeyReused = errors.New("key stands for another request")
	// ErrKeyInFlight is returned for a Key whose request is not through yet; nothing was stored.
	ErrKeyInFlight = errors.New("a request with this key is in flight")
	// ErrTooManyKeys is returned when the engine's bound on keys is reached; nothing was stored.
	ErrTooManyKeys = errors.New("too many keys")
	// ErrTooManyProducers is returned when the engine's bound on producers is reached; nothing was stored in the
	// partition.
	ErrTooManyProducers = errors.New("too many producers")
)

// SequenceError tells what a producer's batch has, and what its partition expected of it: Err is ErrOutOfOrderSequence
// or ErrProducerFenced. For the first one Expected and Got are sequences, for the second epochs. It comes in a
// PartitionError.
type SequenceError struct {
	Err           error
	ProducerID    int64
	Expected, Got int64
}

func (e *SequenceError) Error() string {
	what := "sequence"
	if errors.Is(e.Err, ErrProducerFenced) {
		what = "epoch"
	}
	return fmt.Sprintf("%v: producer %d: %s %d instead of %d", e.Err, e.ProducerID, what, e.Got, e.Expected)
}
func (e *SequenceError) Unwrap() error { return e.Err }
