package actor

import (
	"sync"
	"sync/atomic"
	"time"

	"flashq/broker"
	"flashq/partition"
)

// What owners do about those who number their batches, and what bounds them all.

const (
	// keyWindow is how long after its last use a key is known for certain.
	keyWindow = 10 * time.Minute
	// producerWindow is the same for producers with ids of their own, Kafka's producer.id.expiration.ms.
	producerWindow = 24 * time.Hour
	// producerCheck is how often it is looked at whose time is up.
	producerCheck = 10 * time.Minute
)

// topicPartition says how a partition of a topic is opened.
func (b *Broker) topicPartition(t *topic, dir string) partition.Config {
	c := b.partitionConfig(dir, retentionOf(t.Config()))
	c.Producers = &partition.Producers{
		Room: b.producerRoom, Save: b.memory == nil, Window: keyWindow.Milliseconds(), Digest: t.keys.digest,
	}
	return c
}

// producerRoom counts the producers of all partitions, and refuses too many.
func (b *Broker) producerRoom(n int) error {
	all := b.producers.Add(int64(n))
	if n == 1 && all > int64(b.config.MaxProducers) { // else it is a start that found them, or the way out
		b.producers.Add(-1)
		return &broker.LimitError{Err: broker.ErrTooManyProducers, Limit: int64(b.config.MaxProducers)}
	}
	return nil
}

// saves are what is written of producers, beside the owner and one at a time.
type saves struct {
	job     *partition.SaveJob // what the last seal has collected
	running sync.WaitGroup
	busy    atomic.Bool
}

// nextSave is what the next seal has to collect: nothing while the save before it is under way, as it is for long where
// there are many keys. A start then reads the segment that comes after that one, too.
func (a *Actor) nextSave() *partition.SaveJob {
	if a.saves.busy.Load() {
		return nil
	}
	return a.part.SaveProducers()
}

// save writes what the last seal has collected.
func (a *Actor) save() {
	job := a.saves.job
	if a.saves.job = nil; job == nil {
		return
	}
	a.saves.busy.Store(true)
	a.saves.running.Go(func() {
		a.noteSaved(job.Run())
		a.saves.busy.Store(false)
	})
}

// saveLast saves what is known of producers when the owner leaves. Without any the last segment says as much.
func (a *Actor) saveLast() {
	a.saves.running.Wait()
	ids, keys := a.part.Numbers()
	if job := a.part.SaveProducers(); job != nil && a.failed == nil && ids+keys > 0 {
		job.Collect()
		a.noteSaved(job.Run())
	}
}

// noteSaved tells of producers that could not be saved: that is a cache, and the next roll writes it all.
func (a *Actor) noteSaved(err error) {
	if err == nil {
		return
	}
	a.retries.Producers.Add(1)
	a.logger.Warn("what is known of producers is saved with the next segment", "partition", a.name, "error", err)
}

// mayForget tells that nobody else reads what is known of producers: a seal under way saves it.
func (a *Actor) mayForget() bool { return a.sync.sealing != sealing }

// forgetAll has keys and producers forgotten whose time is up. Called now and then.
func (b *Broker) forgetAll() {
	now := moment().Steady
	b.topics.Range(func(_ string, t *topic) bool {
		b.forgetKeys(t, now)
		return !b.closing.Load()
	})
	if now < b.forgetNext {
		return
	}
	b.forgetNext = now + producerCheck.Milliseconds()
	if b.producers.Load() == 0 {
		return
	}
	b.each(func(_ *topic, a *Actor) bool {
		a.ask(func() {
			if a.mayForget() {
				a.part.ForgetProducers(now - producerWindow.Milliseconds())
			}
		})
		return !b.closing.Load()
	})
}

// forgetKeys has a topic's partitions forget keys before its table does: one that is known here and not there would be
// stored a second time. A partition that can't just now is asked again the next time.
func (b *Broker) forgetKeys(t *topic, now int64) {
	ids := t.keys.leave(now)
	if len(ids) == 0 {
		return
	}
	all := true
	for _, a := range t.actors {
		done := false
		left := !a.ask(func() {
			if done = a.mayForget(); done {
				a.part.ForgetKeys(ids)
			}
		})
		all = all && (done || left)
	}
	if all {
		t.keys.left()
	}
}

func (b *Broker) newKeys() *keyTable { return newKeyTable(&b.keys, b.config.MaxKeys) }

// findKeys learns from a partition that was recovered which keys there are.
func (t *topic) findKeys(p *partition.Partition) {
	digests, now := p.Digests(), moment().Steady
	for _, id := range p.KeyIDs() {
		t.keys.found(id, digests[id], now)
	}
}

// endProducers gives back what the producers and keys of a topic took, whose owners have left.
func (t *topic) endProducers() {
	t.keys.end()
	for _, a := range t.actors {
		if a.part != nil {
			ids, _ := a.part.Numbers()
			t.broker.producers.Add(int64(-ids))
		}
	}
}
