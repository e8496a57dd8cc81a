package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// Where the note of what a key stood for is lost, by a power cut or on a full disk, a replay is compared with the
// records that stand in the log.

// compare tells whether a request is the one that a key stands for, by what the log has of it: broker.ErrKeyReused
// where it is another one. What retention took can't be compared: then its numbers have to do, and sure is false.
func (t *topic) compare(id int64, parts []broker.Part, key *broker.Key) (sure bool, err error) {
	sure = true
	asked := map[int]*broker.Part{}
	for i := range parts {
		asked[parts[i].Partition] = &parts[i]
	}
	for i, a := range t.actors {
		var runs []partition.Run
		if !a.ask(func() { runs = a.part.KeyRuns(id) }) || len(runs) == 0 {
			continue // whoever has left was asked by writable, or stores nothing for this key
		}
		part := asked[i]
		if part == nil {
			return false, &broker.TopicError{Topic: t.name, Err: broker.ErrKeyReused}
		}
		same, err := t.standsFor(i, runs, part, key.Clock)
		if errors.Is(err, errGoneForGood) {
			sure = false
			same, err = stored(runs) == countOf(part) || len(part.Rest) > 0, nil
		}
		if err != nil {
			return false, err
		}
		if !same {
			return false, &broker.TopicError{Topic: t.name, Err: broker.ErrKeyReused}
		}
	}
	return sure, nil
}

// stored is how many records stand in some runs.
func stored(runs []partition.Run) (n int64) {
	for _, r := range runs {
		n += int64(r.Count)
	}
	return n
}

// standsFor compares the records of some runs with the first ones of a part: a crash may have torn the rest off. It is
// errGoneForGood where they are not there.
func (t *topic) standsFor(i int, runs []partition.Run, part *broker.Part, clock int64) (bool, error) {
	batches := []batch.Batch{part.Batch}
	for _, more := range part.Rest {
		batches = append(batches, more.Batch)
	}
	v, err := t.actors[i].view(context.Background())
	if err != nil {
		return false, t.about(i, readError(err))
	}
	defer v.Close()
	want := walk{batches: batches}
	for _, r := range runs {
		found, err := readRun(v, r)
		if errors.Is(err, errGoneForGood) {
			return false, err
		}
		if err != nil {
			return false, t.about(i, readError(err))
		}
		have := walk{batches: found}
		for have.next() {
			if !want.next() || !want.sameAs(&have, part.BrokerTime, clock) {
				return false, nil
			}
		}
	}
	return len(part.Rest) > 0 || !want.next(), nil
}

// errGoneForGood is returned by readRun for records that are not there any more.
var errGoneForGood = errors.New("retention took it")

// readRun reads the batches of a run.
func readRun(v *segment.View, r partition.Run) (all []batch.Batch, err error) {
	if r.Base < v.Start() {
		return nil, errGoneForGood
	}
	for next := r.Base; next < r.Base+int64(r.Count); {
		data, err := v.Read(nil, next, 1<<20)
		if errors.Is(err, segment.ErrGone) || err == nil && len(data) == 0 {
			return nil, errGoneForGood
		}
		if err != nil {
			return nil, err
		}
		for len(data) > 0 && next < r.Base+int64(r.Count) {
			var b batch.Batch
			if b, data, err = batch.Next(data); err != nil {
				return nil, fmt.Errorf("offset %d: %w", next, err)
			}
			all = append(all, b)
			next = b.LastOffset() + 1
		}
	}
	return all, nil
}

func countOf(part *broker.Part) int64 {
	n := int64(part.Batch.LastOffsetDelta()) + 1
	for _, more := range part.Rest {
		n += int64(more.Batch.LastOffsetDelta()) + 1
	}
	return n
}

// walk goes through the records of some batches; a compressed batch counts as one record.
type walk struct {
	batches []batch.Batch
	current batch.Batch
	records batch.Iterator
	started bool
}

// next moves to the next record; false after the last.
func (w *walk) next() bool {
	for {
		if w.started && w.current.Codec() == 0 && w.records.Next() {
			return true
		}
		if len(w.batches) == 0 {
			return false
		}
		w.current, w.batches, w.started = w.batches[0], w.batches[1:], true
		if w.current.Codec() != 0 {
			return true
		}
		w.records = w.current.Records()
	}
}

// sameAs compares two records. A timestamp counts where the client gave it.
func (w *walk) sameAs(other *walk, brokerTime bool, clock int64) bool {
	if w.current.Codec() != 0 || other.current.Codec() != 0 {
		return w.current.Codec() == other.current.Codec() && w.current.BaseTimestamp() == other.current.BaseTimestamp() &&
			w.current.Count() == other.current.Count() &&
			bytes.Equal(w.current[batch.HeaderSize:], other.current[batch.HeaderSize:])
	}
	a, b := &w.records.Record, &other.records.Record
	if at := w.current.BaseTimestamp() + a.TimestampDelta; !brokerTime && at != clock &&
		at != other.current.BaseTimestamp()+b.TimestampDelta {
		return false
	}
	return sameField(a.Key, b.Key) && sameField(a.Value, b.Value) && a.SameHeaders(b)
}

// sameField compares two fields; nil is not the same as empty.
func sameField(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
