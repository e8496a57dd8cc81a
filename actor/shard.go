package actor

import (
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/group"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// A shard of groups is a partition whose owner also knows what its log says: who asks for a change gets it made in the
// owner's turn (request.change), written like any append, and then replayed into the state.

// shardSegmentBytes is where a shard's log rolls at least; it grows with what a snapshot of it takes.
const shardSegmentBytes = 1 << 20

// snapshotState is how far a shard is with letting go of what its log said before.
type snapshotState struct {
	base int64 // offset where the newest snapshot begins
	end  int64 // once everything below is durable, segments before base can go; 0 when none waits
}

// makeChange has a request's batch made; false when it was answered, or parked, since there is nothing to write.
func (a *Actor) makeChange(r *request) bool {
	if r.part != nil {
		return true // made before the segment had to be sealed
	}
	c, err := r.change(a.shard)
	if err != nil {
		r.reply <- err
		return false
	}
	r.part, r.made.Batch, r.apply = &r.made, c.Batch, c.Apply
	if c.Batch != nil {
		return true
	}
	a.makeSo(r)
	if r.plain {
		r.reply <- nil
	} else {
		a.answerUnchanged(r)
	}
	return false
}

// answerUnchanged answers a change that is made already: when what made it is durable, where that is promised.
func (a *Actor) answerUnchanged(r *request) {
	last := a.part.Next() - 1
	if a.part.HighWatermark() > last {
		r.reply <- nil
		return
	}
	r.part.BaseOffset = last
	a.parked = append(a.parked, r)
}

// learn makes what was written so.
func (a *Actor) learn(written []*request) {
	if a.shard == nil {
		return
	}
	for _, r := range written {
		a.makeSo(r)
	}
}

// makeSo replays what a request wrote into the shard's state, does what is in no log, and tells whom it concerns.
func (a *Actor) makeSo(r *request) {
	groups, topics := a.shard.Len(), a.shard.Subscriptions()
	if b := r.part.Batch; b != nil {
		if err := a.shard.Replay(b); err != nil {
			panic(fmt.Sprintf("actor: %s can't read its own words: %v", a.name, err)) // a broken invariant
		}
	}
	if r.apply != nil {
		r.apply()
	}
	a.stored.Add(int64(a.shard.Len() - groups))
	a.subscribed.Add(int64(a.shard.Subscriptions() - topics))
	a.shard.Touched(a.pokeGroup)
	a.armLeases()
}

// writeSnapshot runs behind a roll: it says again what counts, so that the segments before can go.
func (a *Actor) writeSnapshot() {
	if a.shard == nil || a.failed != nil {
		return
	}
	now, base, before := nowMillis(), a.part.Next(), a.part.Bytes()
	err := a.shard.Snapshot(now, func(b batch.Batch) error {
		return a.part.Append(now, []*broker.Part{{Batch: b}})
	})
	a.bytes.Store(a.part.Bytes())
	a.dirty = a.dirty || a.part.Next() > base
	switch {
	case err == nil:
		a.snapshot = snapshotState{base: base, end: a.part.Next()}
		a.part.SetRetention(shardRetention(a.part.Bytes() - before))
		if a.part.Next() == base {
			a.dropCovered(base) // nothing counts any more
		}
		a.startSync()
	case segment.IsNoSpace(err) && !errors.Is(err, segment.ErrNotCut):
		a.logger.Warn("no room for a snapshot of groups; the old segments stay", "partition", a.name, "error", err)
	default:
		a.fail(fmt.Errorf("partition %s: %w", a.name, err))
	}
}

// shardRetention lets a shard's log grow to a few times its snapshot before it rolls.
func shardRetention(snapshotBytes int64) partition.Retention {
	return partition.Retention{Ms: -1, Bytes: -1, SegmentBytes: max(shardSegmentBytes, 4*snapshotBytes)}
}

// dropCovered lets the segments go that a durable snapshot makes superfluous.
func (a *Actor) dropCovered(upTo int64) {
	if a.snapshot.end > 0 && upTo >= a.snapshot.end {
		a.snapshot.end = 0
		a.trim(a.part.TrimBefore(a.snapshot.base))
	}
}

// change asks a shard for a change and waits until it is made: as durable as an append, or refused. plain: where
// nothing is to be written, the answer does not wait until what others wrote is durable.
func (b *Broker) change(a *Actor, plain bool, plan func(*group.Shard) (group.Change, error)) error {
	if a.broken.Load() {
		return b.shardLeft()
	}
	r := a.requests.Get().(*request) //nolint:forcetypeassert // the pool makes nothing else
	r.part, r.sync, r.change, r.plain = nil, false, plan, plain
	if a.push(r) == nil {
		return b.shardLeft()
	}
	err := a.wait(r)
	if errors.Is(err, errLeft) {
		return b.shardLeft()
	}
	return err
}

// shardLeft says why a shard takes no more changes.
func (b *Broker) shardLeft() error {
	if b.closing.Load() {
		return broker.ErrDraining
	}
	return broker.ErrStorage
}
