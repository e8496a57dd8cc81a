package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"flashq/segment"
	"flashq/segment/batch"
)

// What is known of producers outlasts the partition: it is saved at each roll, and found again by Open.

// SaveJob writes what is known of producers beside the log: first Collect, by one goroutine while nothing is appended
// or forgotten, then Run, by one goroutine at any time. The partition has one of them at a time.
type SaveJob struct {
	p       *Partition
	offset  int64
	notes   int64 // those beside segments before this offset go, once what they say is durable; 0: there are none
	encoded []byte
	split   map[int64][]Run
}

// SaveProducers has what is known now saved; nothing where that is of no use.
func (p *Partition) SaveProducers() *SaveJob {
	if p.producers == nil || !p.limits.Save {
		return nil
	}
	job := &SaveJob{p: p, offset: p.log.Next()}
	if p.log.HasNotes() {
		job.notes = p.log.Ended()
	}
	return job
}

// Collect takes what is known.
func (j *SaveJob) Collect() {
	known := j.p.producers
	j.encoded = segment.EncodeProducers(known.count(), known.entries)
	j.split = maps.Clone(known.split)
}

// kept is how many snapshots stay: were the last one torn, the one before would save reading more than one segment.
const kept = 2

// Run writes it. An error costs nothing but time: the next Open reads the log instead.
func (j *SaveJob) Run() error {
	p := j.p
	if err := segment.StoreProducers(p.fs, p.dir, j.offset, j.encoded, j.keys, j.notes > 0); err != nil {
		return fmt.Errorf("producers up to offset %d: %w", j.offset, err)
	}
	if !slices.Contains(p.saved, j.offset) {
		p.saved = append(p.saved, j.offset)
	}
	for len(p.saved) > kept {
		if err := segment.RemoveProducers(p.fs, p.dir, p.saved[0]); err != nil {
			return fmt.Errorf("producers up to offset %d: %w", p.saved[0], err)
		}
		p.saved = p.saved[1:]
	}
	if j.notes == 0 {
		return nil
	}
	if err := segment.RemoveNotes(p.fs, p.dir, j.notes); err != nil {
		return fmt.Errorf("notes of keys before offset %d: %w", j.notes, err)
	}
	return nil
}

// keys are what is known of keys beyond Kafka's fields.
func (j *SaveJob) keys(yield func(segment.KeyNote) bool) {
	for id := range segment.ProducerIDs(j.encoded) {
		if !batch.IsKeyProducer(id) {
			continue
		}
		note := segment.KeyNote{ID: id}
		if j.p.limits.Digest != nil {
			note.Digest = j.p.limits.Digest(id)
		}
		for _, r := range j.split[id] {
			note.Runs = append(note.Runs, segment.KeyRun{Base: r.Base, Count: r.Count})
		}
		if (note.Digest != [16]byte{} || note.Runs != nil) && !yield(note) {
			return
		}
	}
}

// openProducers finds out what is known of producers: what was saved last, and what the log says from there on, last
// being what its last segment says, and noted what stands beside that.
func (p *Partition) openProducers(c Config, last *producers, noted digests, report *segment.Report) error {
	p.limits, p.producers = c.Producers, newProducers()
	if !c.Producers.Save {
		return nil
	}
	if err := p.findSnapshots(); err != nil {
		return fmt.Errorf("%s: producers: %w", p.dir, err)
	}
	from := int64(-1) // up to where the snapshot says everything
	for _, offset := range slices.Backward(p.saved) {
		saved, err := p.loadSnapshot(offset, c.Now.Steady, report)
		if err == nil {
			p.producers, from = saved, offset
			break
		}
		report.Producers = errors.Join(report.Producers, err)
	}
	report.Producers = errors.Join(report.Producers, p.walkBack(c, from, noted))
	p.producers.addNewer(last)
	if p.digests == nil {
		p.digests = digests{}
	}
	maps.Copy(p.digests, noted)
	if n := len(p.producers.ids); n > 0 && p.limits.Room != nil {
		_ = p.limits.Room(n) // whoever is known stays so, also where a bound was lowered
	}
	return nil
}

// findSnapshots lists what was saved. A snapshot of what the log has lost must never be believed: it goes.
func (p *Partition) findSnapshots() error {
	names, err := p.fs.ReadDir(p.dir)
	if err != nil {
		return err
	}
	lost := false
	for _, offset := range segment.SnapshotsIn(names) {
		if offset <= p.log.Next() {
			p.saved = append(p.saved, offset)
			continue
		}
		lost = true
		if err := segment.RemoveProducers(p.fs, p.dir, offset); err != nil {
			return err
		}
	}
	if lost {
		return p.fs.SyncDir(p.dir)
	}
	return nil
}

// loadSnapshot reads one, with the notes beside it: those may be lost.
func (p *Partition) loadSnapshot(offset, steady int64, report *segment.Report) (*producers, error) {
	entries, err := segment.LoadProducers(p.fs, p.dir, offset)
	if err != nil {
		return nil, err
	}
	notes, err := segment.LoadKeyNotes(p.fs, p.dir, offset)
	report.Producers = errors.Join(report.Producers, err)
	if p.digests = nil; len(notes) > 0 {
		p.digests = make(digests, len(notes))
		for _, n := range notes {
			p.digests[n.ID] = n.Digest
		}
	}
	return fromEntries(entries, notes, steady), nil
}

// walkBack reads the sealed segments that no snapshot speaks of, as far as they are recent. What is known from before a
// gap is not believed: a producer may have gone on in it.
func (p *Partition) walkBack(c Config, from int64, noted digests) (unread error) {
	sealed := slices.Collect(p.log.Sealed())
	first := len(sealed)
	for first > 0 && sealed[first-1].End > from && sealed[first-1].Arrived >= c.Now.Steady-c.Producers.Window {
		first--
	}
	if first > 0 && sealed[first-1].End > from {
		p.producers = newProducers()
	}
	for _, s := range sealed[first:] {
		walked := newProducers()
		err := p.log.Walk(s, func(b batch.Batch) { walked.see(b, c.Now.Steady) }, noted.noter(c))
		unread = errors.Join(unread, err)
		if err != nil && !errors.Is(err, segment.ErrNotes) {
			p.producers = newProducers()
			continue
		}
		p.producers.addNewer(walked)
	}
	return unread
}

// digests are what requests were, by the producer ids of their keys.
type digests map[int64][16]byte

// noter is told of those that stand beside the log; nil where nobody wants to know.
func (d digests) noter(c Config) func(id int64, digest [16]byte) {
	if c.Producers == nil || !c.Producers.Save {
		return nil
	}
	return func(id int64, digest [16]byte) { d[id] = digest }
}

// Digests are what requests were whose keys are known, as far as it was saved; it gives them away.
func (p *Partition) Digests() map[int64][16]byte {
	digests := p.digests
	p.digests = nil
	return digests
}
