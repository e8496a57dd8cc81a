package partition

import (
	"maps"
	"slices"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
)

// producers is what a partition knows of those who number their batches, so that none is stored twice. The rules are
// Kafka's: a producer's sequences run on without a gap, an older epoch is fenced, a repeated one of its last five
// batches is a duplicate, and one that nobody knows begins where it likes. A key is simpler: it stands for one request,
// so all that it has in a partition are batches with sequences from 0 on, and every one of them stays known.
type producers struct {
	ids  map[int64]producer
	keys map[int64]keyed
	// split are the earlier runs of keys whose batches do not follow one another in the log: a crash had torn their write,
	// and a replay completed it. The last run stands in keys.
	split map[int64][]Run
	undo  []undone // what to put back when the write fails
}

// producer is one that has an id of its own, as in Kafka.
type producer struct {
	epoch   int16
	count   int8         // of batches that are known
	batches [5]wasStored // oldest first
	used    int64        // when it last was, by the steady clock
}

// wasStored is a batch as it was stored.
type wasStored struct {
	base, timestamp int64 // its offset, its largest timestamp
	first, last     int32 // its sequences
}

// keyed is what a key has in this partition, which begins with sequence 0.
type keyed struct {
	end       int64 // the offset after the last record
	timestamp int64 // the last batch's largest
	records   int32 // sequences below it are stored
	run       int32 // how many of them, the last ones, follow one another in the log
	tail      int32 // how many are in the last batch
}

// undone is what was known of one producer before it was written for.
type undone struct {
	id       int64
	known    bool
	producer producer
	keyed    keyed
	split    []Run
}

func newProducers() *producers {
	return &producers{ids: map[int64]producer{}, keys: map[int64]keyed{}, split: map[int64][]Run{}}
}

// outOfOrder tells what was expected of a producer.
func outOfOrder(b batch.Batch, expected int32) error {
	return &broker.SequenceError{
		Err: broker.ErrOutOfOrderSequence, ProducerID: b.ProducerID(),
		Expected: int64(expected), Got: int64(b.BaseSequence()),
	}
}

// find looks for a batch among those that are stored. Where it is none of them and may not be the next one either, that
// is a broker.SequenceError.
func (s *producers) find(b batch.Batch) (was wasStored, duplicate bool, err error) {
	if b.ProducerEpoch() < 0 || b.BaseSequence() < 0 {
		return was, false, outOfOrder(b, 0)
	}
	if batch.IsKeyProducer(b.ProducerID()) {
		return s.findKeyed(b)
	}
	p, known := s.ids[b.ProducerID()]
	if !known {
		return was, false, nil
	}
	if b.ProducerEpoch() < p.epoch {
		return was, false, &broker.SequenceError{
			Err: broker.ErrProducerFenced, ProducerID: b.ProducerID(), Expected: int64(p.epoch), Got: int64(b.ProducerEpoch()),
		}
	}
	next := int32(0) // of an epoch that is new
	if b.ProducerEpoch() == p.epoch && p.count > 0 {
		for _, was := range p.batches[:p.count] {
			if was.first == b.BaseSequence() && was.last == b.LastSequence() {
				return was, true, nil
			}
		}
		next = batch.AddSequence(p.batches[p.count-1].last, 1)
	}
	if b.BaseSequence() != next {
		return was, false, outOfOrder(b, next)
	}
	return was, false, nil
}

func (s *producers) findKeyed(b batch.Batch) (was wasStored, duplicate bool, err error) {
	k := s.keys[b.ProducerID()]
	first, after := b.BaseSequence(), int64(b.BaseSequence())+int64(b.LastOffsetDelta())+1
	switch {
	case first == k.records:
		return was, false, nil
	case after > int64(k.records):
		return was, false, outOfOrder(b, k.records)
	}
	was = wasStored{base: s.offsetOf(b.ProducerID(), k, first), timestamp: b.MaxTimestamp(), first: first}
	if first == 0 && int64(k.tail) == after {
		was.timestamp = k.timestamp // as it was stored: the broker may have given it
	}
	return was, true, nil
}

// offsetOf is where the record with a sequence stands.
func (s *producers) offsetOf(id int64, k keyed, sequence int32) int64 {
	if before := k.records - k.run; sequence < before {
		for _, r := range s.split[id] {
			if sequence < r.Count {
				return r.Base + int64(sequence)
			}
			sequence -= r.Count
		}
	}
	return k.end - int64(k.records-sequence)
}

// see notes a batch that recovery has found.
func (s *producers) see(b batch.Batch, steady int64) {
	if b.ProducerID() != batch.NoProducer && b.BaseSequence() >= 0 && b.ProducerEpoch() >= 0 {
		s.add(b, steady)
	}
}

// touch tells that a producer was used.
func (s *producers) touch(id, steady int64) {
	if p, known := s.ids[id]; known {
		p.used = steady
		s.ids[id] = p
	}
}

// add notes a batch that stands in the log, or is about to.
func (s *producers) add(b batch.Batch, steady int64) {
	id := b.ProducerID()
	was := wasStored{
		base: b.BaseOffset(), timestamp: b.MaxTimestamp(), first: b.BaseSequence(), last: b.LastSequence(),
	}
	if batch.IsKeyProducer(id) {
		s.addKeyed(id, was, b.LastOffsetDelta()+1)
		return
	}
	p := s.ids[id]
	if p.epoch != b.ProducerEpoch() {
		p.epoch, p.count = b.ProducerEpoch(), 0
	}
	p.add(was)
	p.used = steady
	s.ids[id] = p
}

func (p *producer) add(was wasStored) {
	if int(p.count) == len(p.batches) {
		copy(p.batches[:], p.batches[1:])
		p.count--
	}
	p.batches[p.count] = was
	p.count++
}

func (s *producers) addKeyed(id int64, was wasStored, count int32) {
	var k keyed
	if was.first > 0 { // else nothing was known
		k = s.keys[id]
	}
	if k.records > 0 && k.end != was.base {
		s.split[id] = append(slices.Clip(s.split[id]), Run{Base: k.end - int64(k.run), Count: k.run})
		k.run = 0
	}
	k.end, k.timestamp = was.base+int64(count), was.timestamp
	k.records, k.run, k.tail = k.records+count, k.run+count, count
	s.keys[id] = k
}

// remember has rollBack put back what is known of a producer now. first tells that its sequence 0 is to be written.
func (s *producers) remember(id int64, first bool) {
	s.undo = append(s.undo, undone{id: id})
	before := &s.undo[len(s.undo)-1]
	switch {
	case batch.IsKeyProducer(id) && first: // nothing was known
	case batch.IsKeyProducer(id):
		before.keyed, before.known = s.keys[id]
		before.split = s.split[id]
	default:
		before.producer, before.known = s.ids[id]
	}
}

// rollBack undoes what was noted since there were so many to undo; forgotten is how many producers went with it.
func (s *producers) rollBack(to int) (forgotten int) {
	for _, before := range slices.Backward(s.undo[to:]) {
		isKey := batch.IsKeyProducer(before.id)
		switch {
		case isKey && before.known:
			s.keys[before.id] = before.keyed
			s.putSplit(before.id, before.split)
		case isKey:
			delete(s.keys, before.id)
			delete(s.split, before.id)
		case before.known:
			s.ids[before.id] = before.producer
		default:
			delete(s.ids, before.id)
			forgotten++
		}
	}
	s.undo = s.undo[:to]
	return forgotten
}

func (s *producers) putSplit(id int64, runs []Run) {
	if len(runs) == 0 {
		delete(s.split, id)
		return
	}
	s.split[id] = runs
}

// addNewer takes over what a later part of the log says.
func (s *producers) addNewer(newer *producers) {
	for id, n := range newer.ids {
		p, known := s.ids[id]
		if !known || p.epoch != n.epoch {
			s.ids[id] = n
			continue
		}
		for p.count > 0 && n.count > 0 && p.batches[p.count-1].base >= n.batches[0].base {
			p.count-- // the newer one has it, too
		}
		for _, was := range n.batches[:n.count] {
			p.add(was)
		}
		p.used = n.used
		s.ids[id] = p
	}
	for id, n := range newer.keys {
		if k, known := s.keys[id]; known && k.end >= n.end {
			continue
		}
		runs := append(slices.Clip(newer.split[id]), Run{Base: n.end - int64(n.run), Count: n.run})
		for _, r := range runs {
			s.addKeyed(id, wasStored{base: r.Base, timestamp: n.timestamp, first: s.keys[id].records}, r.Count)
		}
	}
}

// count is how many there are.
func (s *producers) count() int { return len(s.ids) + len(s.keys) }

// entries are what Kafka's snapshot says of everybody.
func (s *producers) entries(yield func(segment.Producer) bool) {
	for id, p := range s.ids {
		e := segment.Producer{ID: id, Epoch: p.epoch, LastSequence: -1, LastOffset: -1, Timestamp: -1}
		if p.count > 0 {
			last := p.batches[p.count-1]
			e.LastSequence, e.Timestamp = last.last, last.timestamp
			e.OffsetDelta = batch.AddSequence(last.last, -last.first)
			e.LastOffset = last.base + int64(e.OffsetDelta)
		}
		if !yield(e) {
			return
		}
	}
	for id, k := range s.keys {
		if !yield(segment.Producer{
			ID: id, LastSequence: k.records - 1, LastOffset: k.end - 1, OffsetDelta: k.tail - 1, Timestamp: k.timestamp,
		}) {
			return
		}
	}
}

// fromEntries is what a snapshot says with the notes beside it. Who is in it counts as used at a moment of the steady
// clock.
func fromEntries(entries []segment.Producer, notes []segment.KeyNote, steady int64) *producers {
	s := newProducers()
	for _, n := range notes {
		for _, r := range n.Runs {
			s.split[n.ID] = append(s.split[n.ID], Run{Base: r.Base, Count: r.Count})
		}
	}
	for _, e := range entries {
		if batch.IsKeyProducer(e.ID) {
			k := keyed{end: e.LastOffset + 1, timestamp: e.Timestamp, records: e.LastSequence + 1, tail: e.OffsetDelta + 1}
			k.run = k.records
			for _, r := range s.split[e.ID] {
				k.run -= r.Count
			}
			s.keys[e.ID] = k
			continue
		}
		p := producer{epoch: e.Epoch, used: steady}
		if e.LastOffset >= 0 && e.LastSequence >= 0 { // else Kafka knows nothing but its epoch
			p.add(wasStored{
				base: e.LastOffset - int64(e.OffsetDelta), timestamp: e.Timestamp,
				first: batch.AddSequence(e.LastSequence, -e.OffsetDelta), last: e.LastSequence,
			})
		}
		s.ids[e.ID] = p
	}
	maps.DeleteFunc(s.split, func(id int64, _ []Run) bool { return s.keys[id].run <= 0 })
	return s
}
