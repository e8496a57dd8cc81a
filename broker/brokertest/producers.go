package brokertest

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"flashq/broker"
)

// Numbered is Part with batches that a producer has numbered, running on from a sequence.
func Numbered(partition int, producer int64, epoch int16, sequence int32, batches ...string) broker.Part {
	part := Batches(partition, 100, batches...)
	part.Batch.SetProducer(producer, epoch, sequence)
	at := int64(sequence) + int64(part.Batch.Count())
	for i := range part.Rest {
		b := part.Rest[i].Batch
		b.SetProducer(producer, epoch, int32(at%(math.MaxInt32+1)))
		at += int64(b.Count())
	}
	return part
}

// step is one append of a producer, and what comes of it.
type step struct {
	what   string
	part   broker.Part
	offset int64 // of the last batch
	dups   int   // how many of its batches were there
	err    error
}

func testProducers(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 2)
	const p, q = 7, 8
	for _, s := range []step{
		{what: "the first", part: Numbered(0, p, 0, 0, "a b"), offset: 0},
		{what: "somebody else", part: Numbered(0, q, 3, 40, "other"), offset: 2},
		{what: "a repetition", part: Numbered(0, p, 0, 0, "a b"), offset: 0, dups: 1},
		{what: "the next", part: Numbered(0, p, 0, 2, "c"), offset: 3},
		{what: "a gap", part: Numbered(0, p, 0, 4, "x"), err: broker.ErrOutOfOrderSequence},
		{what: "half of a batch", part: Numbered(0, p, 0, 0, "a"), err: broker.ErrOutOfOrderSequence},
		{what: "another partition", part: Numbered(1, p, 0, 0, "one"), offset: 0},
		{what: "the first is old and the rest new", part: Numbered(0, p, 0, 2, "c", "d e", "f"), offset: 6, dups: 1},
		{what: "all of that again", part: Numbered(0, p, 0, 2, "c", "d e", "f"), offset: 6, dups: 3},
		{what: "a new batch with a gap after it", part: gapInside(p), err: broker.ErrOutOfOrderSequence},
		{what: "the new one of that alone", part: Numbered(0, p, 0, 6, "g"), offset: 7},
		{what: "an epoch that begins in the middle", part: Numbered(0, p, 1, 7, "x"), err: broker.ErrOutOfOrderSequence},
		{what: "a new epoch", part: Numbered(0, p, 1, 0, "h"), offset: 8},
		{what: "the epoch before", part: Numbered(0, p, 0, 7, "x"), err: broker.ErrProducerFenced},
		{what: "a duplicate of the epoch before", part: Numbered(0, p, 0, 6, "g"), err: broker.ErrProducerFenced},
		{what: "an unknown one in the middle", part: Numbered(0, 9, 2, math.MaxInt32-1, "i", "j", "k"), offset: 11},
		{what: "where its sequences begin anew", part: Numbered(0, 9, 2, 1, "l"), offset: 12},
		{what: "over their end, again", part: Numbered(0, 9, 2, math.MaxInt32-1, "i", "j", "k"), offset: 11, dups: 3},
	} {
		s.run(t, topic)
	}
	want := "[a b other c d e f g h i j k l]"
	if got := fmt.Sprint(ReadAll(t, topic, 0, 0)); got != want {
		t.Errorf("holds %s, want %s", got, want)
	}
}

// gapInside is a part whose second batch does not go on where the first one ends.
func gapInside(producer int64) broker.Part {
	part := Numbered(0, producer, 0, 6, "g", "y")
	part.Rest[0].Batch.SetProducer(producer, 0, 9)
	return part
}

func (s step) run(t *testing.T, topic broker.Topic) {
	t.Helper()
	parts := []broker.Part{s.part}
	err := topic.Append(parts, broker.How{})
	if !errors.Is(err, s.err) {
		t.Fatalf("%s: %v, want %v", s.what, err, s.err)
	}
	if s.err != nil {
		var at *broker.PartitionError
		var sequence *broker.SequenceError
		if !errors.As(err, &at) || !errors.As(err, &sequence) || parts[0].Stored {
			t.Errorf("%s: %v does not say where and what, or it is stored: %v", s.what, err, parts[0].Stored)
		}
		return
	}
	dups, last := 0, parts[0].BaseOffset
	if parts[0].Duplicate {
		dups++
	}
	for _, more := range parts[0].Rest {
		if last = more.BaseOffset; more.Duplicate {
			dups++
		}
	}
	if last != s.offset || dups != s.dups || !parts[0].Stored || parts[0].Timestamp != 100 {
		t.Errorf("%s: last batch at %d, want %d; %d duplicates, want %d; %+v", s.what, last, s.offset, dups, s.dups, parts[0])
	}
}

// A producer's last five batches are known, and no more: an older one can't be told from a gap.
func testLastFiveBatches(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	for i := range int32(7) {
		step{what: fmt.Sprint(i), part: Numbered(0, 5, 0, i, fmt.Sprint(i)), offset: int64(i)}.run(t, topic)
	}
	step{what: "the fifth last", part: Numbered(0, 5, 0, 2, "2"), offset: 2, dups: 1}.run(t, topic)
	step{what: "the sixth last", part: Numbered(0, 5, 0, 1, "1"), err: broker.ErrOutOfOrderSequence}.run(t, topic)
}

// One part is refused, and the others of its request are stored: who tries again stores the rest.
func testRefusedPart(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 2)
	step{what: "first", part: Numbered(0, 5, 0, 0, "a"), offset: 0}.run(t, topic)
	parts := []broker.Part{Numbered(0, 5, 0, 3, "x"), Numbered(1, 5, 0, 0, "b")}
	err := topic.Append(parts, broker.How{})
	var partial *broker.PartialError
	if !errors.Is(err, broker.ErrOutOfOrderSequence) || !errors.As(err, &partial) || parts[0].Stored || !parts[1].Stored {
		t.Errorf("%v, stored: %v and %v", err, parts[0].Stored, parts[1].Stored)
	}
	parts = []broker.Part{Numbered(0, 5, 0, 1, "c"), Numbered(1, 5, 0, 0, "b")}
	if err := topic.Append(parts, broker.How{Sync: true}); err != nil || parts[0].Duplicate || !parts[1].Duplicate {
		t.Errorf("again: %v, %+v", err, parts)
	}
	for i, want := range []string{"[a c]", "[b]"} {
		if got := fmt.Sprint(ReadAll(t, topic, i, 0)); got != want {
			t.Errorf("partition %d holds %s, want %s", i, got, want)
		}
	}
}
