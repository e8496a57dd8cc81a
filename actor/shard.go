package actor

import (
	"errors"
	"fmt"
	"time"

	"flashq/broker"
	"flashq/group"
	"flashq/segment"
)

// What the owner of a log does for the shard of groups in it, at the turns of its loop.

// planFirst has the first of the queue planned; false when it was answered, or parked, since there is nothing to write.
func (a *Actor) planFirst() bool {
	r := a.queue[0]
	write, err := a.shard.plan(r)
	if write {
		err = a.reserveFor(r)
		write = err == nil
	}
	switch {
	case err != nil:
		r.reply <- err
	case !write && r.proposal.barrier:
		a.answerUnchanged(r)
	case !write:
		r.reply <- nil
	}
	return write
}

// answerUnchanged answers a proposal that changes nothing: when what is as it wants is durable, where that is promised.
func (a *Actor) answerUnchanged(r *request) {
	last := a.part.Next() - 1
	if a.part.HighWatermark() > last {
		r.reply <- nil
		return
	}
	a.park(r, last+1)
}

// timeUp ends the members whose time is up, and writes what there was no room for: in requests of the owner to itself.
func (a *Actor) timeUp() {
	s := a.shard
	s.timer.at = 0
	for _, plan := range []func(g *group.Shard) group.Plan{
		func(g *group.Shard) group.Plan { return g.Expire(s.topics, nowMillis()) },
		func(g *group.Shard) group.Plan { return g.Rewrite(nowMillis()) },
	} {
		a.queue = append(a.queue, &request{reply: make(chan error, 1), proposal: &proposal{
			plan: func(g *group.Shard) (group.Plan, error) { return plan(g), nil },
		}})
	}
	a.commit()
	if a.failed == nil {
		s.arm()
	}
}

// writeSnapshot follows a roll: what a log said before that counts is written again.
func (a *Actor) writeSnapshot() {
	if a.compacted == nil || a.failed != nil {
		return
	}
	a.sync.snapshotDue = false
	base := a.part.Next()
	err := a.compacted.rolled(a.part, a.needed())
	a.bytes.Store(a.part.Bytes())
	a.sync.dirty = a.sync.dirty || a.part.Next() > base
	switch {
	case err == nil:
		if a.part.Next() == base {
			a.trimCovered(base) // nothing counts any more
		}
		a.startSync()
		a.keepRoom()
	case segment.MayRetry(err) && !errors.Is(err, segment.ErrNotCut):
		a.retries.Snapshots.Add(1)
		a.logger.Warn("no room yet for a snapshot; the old segments stay", "partition", a.name, "error", err)
		if a.shard != nil && errors.Is(err, segment.ErrMemoryFull) {
			a.pressure(a.shard.groups.Weight() * broker.CommitBytes)
		}
		a.sync.snapshotDue = true
		time.AfterFunc(lastRetry, func() { a.post(chore(a.retrySnapshot)) })
	default:
		a.fail(fmt.Errorf("partition %s: %w", a.name, err))
	}
}

// retrySnapshot writes the snapshot that there was no room for; a roll that is under way brings one with it.
func (a *Actor) retrySnapshot() {
	if a.sync.snapshotDue && a.sync.sealing == open {
		a.writeSnapshot()
	}
}

// trimCovered lets the segments go that a durable snapshot makes superfluous.
func (a *Actor) trimCovered(upTo int64) {
	if a.compacted == nil {
		return
	}
	if base, ok := a.compacted.durable(upTo); ok {
		a.trim(a.part.TrimBefore(base))
	}
}

// propose asks the owner of a shard for a change and waits until it is made: as durable as an append, or refused.
func (b *Broker) propose(a *Actor, p proposal) error {
	if a.broken.Load() {
		return b.shardLeft()
	}
	r := a.requests.Get().(*request) //nolint:forcetypeassert // the pool makes nothing else
	r.proposal, r.sync = &p, p.sync
	if a.push(r) == nil {
		return b.shardLeft()
	}
	err := a.wait(r)
	if errors.Is(err, errLeft) {
		return b.shardLeft()
	}
	return err
}
