package partition

import (
	"slices"

	"flashq/broker"
	"flashq/segment/batch"
)

// Producers says what a partition may know of those who number their batches.
type Producers struct {
	// Room takes room for so many producers with ids of their own, or gives it back where n is below 0; an error refuses
	// them. Keys have their bound elsewhere. nil: there is room.
	Room func(n int) error
	// Save tells that what is known is saved, and read again by the next Open.
	Save bool
	// Window is how old a segment may be, in milliseconds, to be read again where what was saved of it is lost.
	Window int64
	// Digest gives what a key's request was, to be saved beside it; zero: not known. Called by Append and SaveJob.
	Digest func(id int64) [16]byte
}

// numbered tells whether a producer has numbered any of a part's batches.
func numbered(part *broker.Part) bool {
	if part.Batch.ProducerID() != batch.NoProducer {
		return true
	}
	for i := range part.Rest {
		if part.Rest[i].Batch.ProducerID() != batch.NoProducer {
			return true
		}
	}
	return false
}

// placeNumbered has the batches of a part written that are not stored yet, or refuses the part.
func (p *Partition) placeNumbered(w *writing, i int, parts []*broker.Part) {
	part, before := parts[i], *w
	batches, undo := len(p.batches), len(p.producers.undo)
	first := broker.More{Batch: part.Batch}
	err := p.stampNumbered(w, &first, part.BrokerTime)
	part.BaseOffset, part.Timestamp, part.Duplicate = first.BaseOffset, first.Timestamp, first.Duplicate
	for k := 0; k < len(part.Rest) && err == nil; k++ {
		err = p.stampNumbered(w, &part.Rest[k], false)
	}
	if err == nil {
		return
	}
	*w = before
	clear(p.batches[batches:])
	p.batches = p.batches[:batches]
	p.giveBack(p.producers.rollBack(undo))
	if len(p.refused) == 0 {
		p.refused = append(p.refused, make([]error, len(parts))...)
	}
	p.refused[i] = err
}

// Refused is why a part of the last Append was not stored, although the Append went through: a broker.SequenceError, or
// what Producers.Room said.
func (p *Partition) Refused(i int) error {
	if len(p.refused) == 0 {
		return nil
	}
	return p.refused[i]
}

// stampNumbered is stamp for a batch of a part in which somebody numbered any: each is judged by its own producer. One
// that was stored before is not written again; one that has no producer is always new.
func (p *Partition) stampNumbered(w *writing, more *broker.More, brokerTime bool) error {
	b := more.Batch
	if b.ProducerID() == batch.NoProducer {
		more.BaseOffset, more.Timestamp = p.stamp(w, b, brokerTime)
		more.Duplicate = false
		return nil
	}
	was, duplicate, err := p.producers.find(b)
	if err != nil {
		return err
	}
	more.Duplicate = duplicate
	if duplicate {
		p.producers.touch(b.ProducerID(), w.now.Steady)
		more.BaseOffset, more.Timestamp = was.base, was.timestamp
		return nil
	}
	if err := p.takeRoom(b.ProducerID()); err != nil {
		return err
	}
	p.producers.remember(b.ProducerID(), b.BaseSequence() == 0)
	more.BaseOffset, more.Timestamp = p.stamp(w, b, brokerTime)
	p.producers.add(b, w.now.Steady)
	return nil
}

// takeRoom takes room for a producer that nobody knows yet.
func (p *Partition) takeRoom(id int64) error {
	if _, known := p.producers.ids[id]; known || p.limits.Room == nil || batch.IsKeyProducer(id) {
		return nil
	}
	return p.limits.Room(1)
}

func (p *Partition) giveBack(n int) {
	if n > 0 && p.limits.Room != nil {
		_ = p.limits.Room(-n) // which is always possible
	}
}

// noteKeys has what was asked for with keys written down with the first batch of each that is written now.
func (p *Partition) noteKeys() {
	if !p.limits.Save || p.limits.Digest == nil {
		return
	}
	last := int64(batch.NoProducer)
	for _, b := range p.batches {
		id := b.ProducerID()
		if id == last || !batch.IsKeyProducer(id) {
			continue
		}
		last = id
		if digest := p.limits.Digest(id); digest != [16]byte{} {
			p.log.Note(b, digest)
		}
	}
}

// Unnoted is why something of keys could not be written down: a start compares their requests with the log. It is told
// once a segment.
func (p *Partition) Unnoted() error { return p.log.Unnoted() }

// concludeNumbered takes back what was noted of batches that could not be written.
func (p *Partition) concludeNumbered(err error) {
	if err != nil {
		p.giveBack(p.producers.rollBack(0))
	}
	clear(p.producers.undo)
	p.producers.undo = p.producers.undo[:0]
}

// Numbers is how many producers and keys the partition knows.
func (p *Partition) Numbers() (ids, keys int) {
	if p.producers == nil {
		return 0, 0
	}
	return len(p.producers.ids), len(p.producers.keys)
}

// ForgetProducers forgets those with ids of their own that nobody used since a moment of the steady clock. Not to be
// called while a SaveJob collects; neither is ForgetKeys.
func (p *Partition) ForgetProducers(unusedSince int64) {
	if p.producers == nil {
		return
	}
	n := 0
	for id, known := range p.producers.ids {
		if known.used < unusedSince {
			delete(p.producers.ids, id)
			n++
		}
	}
	p.giveBack(n)
}

// ForgetKeys forgets keys by their producer ids.
func (p *Partition) ForgetKeys(ids []int64) {
	for _, id := range ids {
		delete(p.producers.keys, id)
		delete(p.producers.split, id)
	}
}

// Run is a range of records that follow one another.
type Run struct {
	Base  int64
	Count int32
}

// KeyRuns is where a key's records stand, in the order of their sequences.
func (p *Partition) KeyRuns(id int64) []Run {
	if p.producers == nil {
		return nil
	}
	k, known := p.producers.keys[id]
	if !known {
		return nil
	}
	return append(slices.Clip(p.producers.split[id]), Run{Base: k.end - int64(k.run), Count: k.run})
}

// KeyIDs are the producer ids of the keys that the partition knows.
func (p *Partition) KeyIDs() []int64 {
	if p.producers == nil {
		return nil
	}
	ids := make([]int64, 0, len(p.producers.keys))
	for id := range p.producers.keys {
		ids = append(ids, id)
	}
	return ids
}
