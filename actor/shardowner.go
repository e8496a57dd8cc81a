package actor

import (
	"fmt"
	"sync/atomic"
	"time"

	"flashq/broker"
	"flashq/group"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// shardOwner is what the owner of a shard of groups has besides the log: what the log says, and who waits for it. Its
// owner has a proposal planned in its turn, writes it like any append, and then has it replayed. All of it belongs to
// run.
type shardOwner struct {
	groups   *group.Shard // what the log says
	rollAt   int64        // where the log rolls at least, in bytes
	topics   group.Topics // may be asked by anybody
	totals   *groupTotals
	timer    shardTimer
	watches  map[string]map[*broker.GroupWatch]bool // by group
	snapshot snapshotState
	roomDue  bool // keepRoom comes again
}

// groupTotals are counts over all shards of an engine, atomic.
type groupTotals struct {
	stored     atomic.Int64    // groups that are stored
	subscribed atomic.Int64    // topics that their members ask for
	weight     atomic.Int64    // what groups and their commits count as
	memory     *segment.Memory // pays for them; nil on files. Set before use
}

// add counts what a shard has, or has more by now.
func (t *groupTotals) add(groups, subscribed int, weight int64) {
	t.stored.Add(int64(groups))
	t.subscribed.Add(int64(subscribed))
	t.weight.Add(weight)
	if t.memory != nil && weight != 0 {
		t.memory.Charge(weight * broker.CommitBytes)
	}
}

// snapshots is what the owner has of a log that is compacted: what counts is written again after a roll, so that the
// segments before can go.
type snapshots interface {
	written(requests []*request)
	rolled(log *partition.Partition, need int64) error
	durable(upTo int64) (base int64, ok bool)
}

// snapshotState is how far such a log is with trimming what a snapshot makes superfluous.
type snapshotState struct {
	base int64 // offset where the newest snapshot begins
	end  int64 // once everything below is durable, segments before base can go; 0 when none waits
}

// planner plans what is to be written, from what was written before it; nothing where nothing is to be.
type planner func(*group.Shard) (group.Plan, error)

// proposal is what somebody asks of a shard of groups. The owner plans it once, in the request's turn.
type proposal struct {
	plan    planner
	sync    bool        // answer only when it is durable, whatever --fsync says
	barrier bool        // where nothing is to be written, the answer still waits for the sync of what is written already
	frees   bool        // it takes away what there is: it has room of its own
	part    broker.Part // what is planned
	apply   func()      // what is to be done when that is written
}

func newShardOwner(groups *group.Shard, rollAt int64, topics group.Topics, totals *groupTotals) *shardOwner {
	totals.add(groups.Len(), groups.Subscriptions(), groups.Weight())
	return &shardOwner{
		groups: groups, rollAt: rollAt, topics: topics, totals: totals, timer: newShardTimer(),
		watches: map[string]map[*broker.GroupWatch]bool{},
	}
}

// plan has a request's batch made; write is false when there is nothing to write, and then it is done.
func (s *shardOwner) plan(r *request) (write bool, err error) {
	if r.part != nil {
		return true, nil // planned before the segment had to be sealed
	}
	p := r.proposal
	planned, err := p.plan(s.groups)
	if err != nil {
		return false, err
	}
	p.part.Batch, p.apply = planned.Batch, planned.Apply
	r.part = &p.part
	if planned.Batch != nil {
		return true, nil
	}
	s.replay(r)
	return false, nil
}

// written replays what was written.
func (s *shardOwner) written(requests []*request) {
	for _, r := range requests {
		s.replay(r)
	}
}

// replay carries out one request's plan: first what is in the log, then what is in none. Whom it concerns is woken.
func (s *shardOwner) replay(r *request) {
	groups, topics, weight := s.groups.Len(), s.groups.Subscriptions(), s.groups.Weight()
	if b := r.part.Batch; b != nil {
		if err := s.groups.Replay(b); err != nil {
			panic(fmt.Sprintf("actor: a shard can't read its own log: %v", err)) // a broken invariant
		}
	}
	if r.proposal.apply != nil {
		r.proposal.apply()
	}
	s.totals.add(s.groups.Len()-groups, s.groups.Subscriptions()-topics, s.groups.Weight()-weight)
	s.groups.Touched(s.poke)
	s.arm()
}

// rolled follows a roll of the log: what counts is written again, so that the segments before can go. The next roll
// comes when as much again has been written, but what waits to be written, need bytes, goes in in any case.
func (s *shardOwner) rolled(log *partition.Partition, need int64) error {
	now, base, before := moment(), log.Next(), log.Bytes()
	err := s.groups.Snapshot(now.Wall, func(b batch.Batch) error {
		return log.Append(now, []*broker.Part{{Batch: b}})
	})
	if err == nil {
		s.snapshot = snapshotState{base: base, end: log.Next()}
	}
	log.SetRetention(shardRetention(log.ActiveBytes() + max(s.rollAt, log.Bytes()-before, need)))
	return err
}

// durable tells that the log is durable below upTo. Where a snapshot is, nothing older than base is needed.
func (s *shardOwner) durable(upTo int64) (base int64, ok bool) { return s.snapshot.durable(upTo) }

func (s *snapshotState) durable(upTo int64) (base int64, ok bool) {
	if s.end == 0 || upTo < s.end {
		return 0, false
	}
	s.end = 0
	return s.base, true
}

// end stops the timer and wakes everybody: the shard takes no more proposals.
func (s *shardOwner) end() {
	s.timer.stop()
	for _, all := range s.watches {
		for w := range all {
			fire(w.Waiter, &w.Fired)
		}
	}
	clear(s.watches)
}

// shardSegmentBytes is how much is written to a shard's log after a snapshot before it rolls, unless that took more.
const shardSegmentBytes = 1 << 20

// shardRollAt is smaller where memory storage is: all shards together are to take a twentieth of it or so.
func (b *Broker) shardRollAt() int64 {
	if b.memory == nil || b.memory.Limit() == 0 {
		return shardSegmentBytes
	}
	return min(max(b.memory.Limit()/2048, 4<<10), shardSegmentBytes)
}

// shardRetention has a shard's log roll at a size.
func shardRetention(segmentBytes int64) partition.Retention {
	return partition.Retention{Ms: -1, Bytes: -1, SegmentBytes: segmentBytes}
}

// shardTimer is a shard's one timer: for the earliest end of a lease, or what is to be written again.
type shardTimer struct {
	timer *time.Timer
	at    int64 // when it fires, milliseconds; 0 while it does not run
}

func newShardTimer() shardTimer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return shardTimer{timer: t}
}

func (t *shardTimer) stop() { t.timer.Stop() }

// dueRetry is when what was due is tried again that could not be written, in milliseconds.
const dueRetry = 1000

// timesUp fires when something may be due; in a topic's partition it never does.
func (s *shardOwner) timesUp() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.timer.timer.C
}

// arm sets the timer. One that fires early is no harm: a heartbeat does not move it.
func (s *shardOwner) arm() {
	due, ok := s.groups.Due()
	if !ok {
		return
	}
	now := nowMillis()
	if due <= now {
		due = now + dueRetry
	}
	if s.timer.at == 0 || due < s.timer.at {
		s.timer.at = due
		s.timer.timer.Reset(time.Duration(due-now) * time.Millisecond)
	}
}
