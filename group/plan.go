package group

import (
	"fmt"
	"math"

	"flashq/broker"
	"flashq/segment/batch"
)

// Plan is what was asked for and may be done: Batch is written first, unless it is nil; then, when it was replayed,
// Apply does what is in no log, unless it is nil. Nothing else may be planned in between.
type Plan struct {
	Batch batch.Batch
	Apply func()
}

// Put plans a group that is asked for by name. start "" leaves that of a group that exists, and is earliest for a new
// one. created tells that there was none.
func (s *Shard) Put(name, start string, now int64) (created bool, c Plan) {
	g := s.groups[name]
	after := state{start: broker.StartEarliest, explicit: true}
	if g != nil {
		after.start, after.generation = g.start, g.generation
	}
	if start != "" {
		after.start = start
	}
	if g != nil && g.explicit && g.start == after.start {
		return false, Plan{}
	}
	var w batch.Builder
	w.Add(now, groupKey(name), after.encode(now))
	return g == nil, Plan{Batch: w.Finish()}
}

// addGeneration writes that a group is in its next generation.
func (s *Shard) addGeneration(w *batch.Builder, name string, now int64) {
	after := state{start: broker.StartEarliest}
	if g := s.groups[name]; g != nil {
		after.explicit, after.start, after.generation = g.explicit, g.start, g.generation
	}
	if after.generation == 0 {
		after.generation = s.floor // of another group of the name, maybe
	}
	if after.generation < math.MaxInt32 {
		after.generation++
	}
	w.Add(now, groupKey(name), after.encode(now))
}

// Delete plans the end of a group with its commits and, where force allows it, its members: ErrGroupNotFound,
// ErrGroupActive.
func (s *Shard) Delete(name string, force bool, now int64) (Plan, error) {
	g := s.groups[name]
	switch {
	case g == nil:
		return Plan{}, notFound(name)
	case !force && g.active(now):
		return Plan{}, &broker.GroupError{Group: name, Err: broker.ErrGroupActive}
	}
	var w batch.Builder
	for topic := range g.commits {
		g.addTombstones(&w, name, topic, now)
	}
	for topic := range g.met {
		w.Add(now, commitKey(name, topic, noPartition), nil)
	}
	if g.explicit || g.generation > 0 {
		w.Add(now, groupKey(name), nil)
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		s.disband(name, g)
	}}, nil
}

// addTombstones writes tombstones for a group's commits to one topic.
func (g *state) addTombstones(w *batch.Builder, name, topic string, now int64) {
	for _, c := range g.commits[topic] {
		w.Add(now, commitKey(name, topic, c.partition), nil)
	}
}

// forgetAtOnce bounds the tombstones of one Forget.
const forgetAtOnce = 10_000

// Forget plans the end of commits to a topic that was deleted: of so many of them that the batch stays small. It is
// planned again until there are none, and nothing is to be written.
func (s *Shard) Forget(topic string, id [16]byte, now int64) Plan {
	var w batch.Builder
	for name, g := range s.groups {
		for _, c := range g.commits[topic] {
			if c.topicID == id && w.Count() < forgetAtOnce {
				w.Add(now, commitKey(name, topic, c.partition), nil)
			}
		}
	}
	return Plan{Batch: w.Finish()}
}

// Origin is what a partition's owner says of an offset that is to be committed there.
type Origin struct {
	TopicID [16]byte
	Epoch   int32 // the leader epoch
}

// Commit plans a commit, or a reset, which is a commit by another name; origins are those of c.Offsets. It refuses with
// a GroupError around ErrGroupNotFound, ErrTooManyCommits or ErrGroupActive, or with a FencedError. The results stand
// in the order of the offsets.
func (s *Shard) Commit(
	c broker.Commit, origins []Origin, room Room, now int64,
) ([]broker.Committed, Plan, error) {
	g := s.groups[c.Group]
	active := g.active(now)
	switch {
	case g == nil && !c.Create:
		return nil, Plan{}, notFound(c.Group)
	case c.Member != "":
		if err := g.fence(c, origins, now); err != nil {
			return nil, Plan{}, err
		}
	case active && !c.Force:
		return nil, Plan{}, &broker.GroupError{Group: c.Group, Err: broker.ErrGroupActive}
	}
	var w batch.Builder
	if c.Member == "" && active {
		s.addGeneration(&w, c.Group, now)
	}
	results, err := s.addCommits(&w, c, origins, room, now)
	if err != nil {
		return nil, Plan{}, err
	}
	return results, Plan{Batch: w.Finish(), Apply: func() { s.moved(c, active, now) }}, nil
}

// moved tells whom it concerns that offsets were moved. A member's own commit renews its lease, and makes it give
// nothing up: its answer has no place to say so. Where somebody else moved offsets below living members, what they
// acknowledge from before does not count any more.
func (s *Shard) moved(c broker.Commit, active bool, now int64) {
	g := s.groups[c.Group]
	switch {
	case g == nil:
	case c.Member != "":
		if m := g.members[c.Member]; m != nil {
			s.renew(m, now)
		}
	case active:
		for _, o := range c.Offsets {
			if h := g.assigned[o.Topic]; h != nil && o.Partition < len(h.slots) {
				slot := &h.slots[o.Partition]
				slot.since = g.generation
				s.touch(slot.owner)
			}
		}
	case !c.Ack:
		s.touchGroup(c.Group)
	}
}

// addCommits writes offsets. An ack only moves forward.
func (s *Shard) addCommits(
	w *batch.Builder, c broker.Commit, origins []Origin, room Room, now int64,
) ([]broker.Committed, error) {
	results := make([]broker.Committed, len(c.Offsets))
	added, heavier := 0, int64(0)
	for i, o := range c.Offsets {
		old, found := s.find(c.Group, o, origins[i])
		switch {
		case found && c.Ack && old.offset >= o.Offset:
			results[i] = broker.Committed{Offset: old.offset, Previous: old.offset, Timestamp: old.timestamp}
			continue
		case found:
			results[i] = broker.Committed{Offset: o.Offset, Previous: old.offset, Timestamp: now}
			heavier -= weightOf(c.Group, o.Topic, old)
		default:
			results[i] = broker.Committed{Offset: o.Offset, Previous: -1, Timestamp: now}
			added++
		}
		after := commit{
			topicID: origins[i].TopicID, offset: o.Offset, epoch: origins[i].Epoch, metadata: o.Metadata, timestamp: now,
		}
		w.Add(now, commitKey(c.Group, o.Topic, int32(o.Partition)), after.encode())
		heavier += weightOf(c.Group, o.Topic, after)
	}
	return results, s.roomFor(c.Group, added, heavier, room)
}

// roomFor refuses commits beyond the bounds: so many more of a group, which count as so much more.
func (s *Shard) roomFor(name string, added int, heavier int64, room Room) error {
	var err error
	switch {
	case room.refuses(heavier):
		err = &broker.LimitError{Err: broker.ErrTooManyCommits, Limit: room.All}
	case added > 0 && s.commits(name)+added > broker.MaxGroupCommits:
		err = fmt.Errorf("%w: one may have %d", broker.ErrTooManyCommits, broker.MaxGroupCommits)
	default:
		return nil
	}
	return &broker.GroupError{Group: name, Err: err}
}

// commits counts a group's commits, and the topics that it has met.
func (s *Shard) commits(name string) (n int) {
	if g := s.groups[name]; g != nil {
		for _, all := range g.commits {
			n += len(all)
		}
		n += len(g.met)
	}
	return n
}

// find looks a commit up that is for the same topic, not just for its name.
func (s *Shard) find(name string, o broker.CommitOffset, from Origin) (commit, bool) {
	g := s.groups[name]
	if g == nil {
		return commit{}, false
	}
	c, ok := g.commits[o.Topic].of(int32(o.Partition))
	return c, ok && c.topicID == from.TopicID
}
