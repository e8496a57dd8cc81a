package actor

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"flashq/broker"
	"flashq/group"
)

// groups is the registry of the shards: each owns the groups that Kafka's hash puts there, and their log. A shard is
// started when a group first needs it.
type groups struct {
	shards [shardCount]atomic.Pointer[Actor] // read by all; written under mu
	mu     sync.Mutex
	totals groupTotals
}

// shardCount is Kafka's default for the partitions of its own offsets topic.
const shardCount = 50

// shardOf is Kafka's rule for the partition that keeps a group: the absolute of Java's hash of its name, which is ASCII
// here; the one number that has no absolute counts as 0.
func shardOf(name string) int {
	h := int32(0)
	for i := range len(name) {
		h = 31*h + int32(name[i])
	}
	if h == math.MinInt32 {
		return 0
	}
	return int(max(h, -h)) % shardCount
}

// each visits the shards that have been started.
func (g *groups) each(visit func(a *Actor) bool) {
	for i := range g.shards {
		if a := g.shards[i].Load(); a != nil && !visit(a) {
			return
		}
	}
}

// Group implements broker.Broker.
func (b *Broker) Group(_ context.Context, name, topic string) (broker.Group, error) {
	a := b.groups.shards[shardOf(name)].Load()
	if a == nil {
		return broker.Group{}, groupMissing(name)
	}
	var g broker.Group
	var err error
	if !a.ask(func() { g, err = a.shard.groups.Find(name, topic, b.shape, nowMillis()) }) {
		return broker.Group{}, b.shardLeft()
	}
	return g, err
}

// Groups implements broker.Broker.
func (b *Broker) Groups(_ context.Context, topic string) ([]broker.Group, error) {
	all := []broker.Group{}
	b.groups.each(func(a *Actor) bool {
		var list []broker.Group
		a.ask(func() { list = a.shard.groups.List(topic, b.shape, nowMillis()) }) // a shard that failed has none to show
		all = append(all, list...)
		return true
	})
	slices.SortFunc(all, func(a, b broker.Group) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// GroupCount implements broker.Broker.
func (b *Broker) GroupCount(context.Context) (int, error) {
	return int(b.groups.totals.stored.Load()), nil
}

// PutGroup implements broker.Broker.
func (b *Broker) PutGroup(_ context.Context, name, start string) (created bool, err error) {
	err = b.proposeTo(name, proposal{barrier: true, plan: func(s *group.Shard) (p group.Plan, err error) {
		if err := b.roomFor(s, name); err != nil {
			return p, err
		}
		created, p = s.Put(name, start, nowMillis())
		return p, nil
	}})
	return created, err
}

// roomFor refuses a new group beyond the bounds. As many shards as there are may look at the same time, so that bounds
// of all groups may be passed by so many changes.
func (b *Broker) roomFor(s *group.Shard, name string) error {
	if s.Has(name) {
		return nil
	}
	err := b.commitRoom().Admit(name)
	if most := int64(b.config.MaxGroups); b.groups.totals.stored.Load() >= most {
		err = &broker.LimitError{Err: broker.ErrTooManyGroups, Limit: most}
	}
	if err != nil {
		return &broker.GroupError{Group: name, Err: err}
	}
	return nil
}

// groupsShare is how many bytes of memory storage there are for each commit: a 32nd of it is for what commits say, and
// their logs take a few times that.
const groupsShare = 32 * broker.CommitBytes

// commitRoom is how much groups may still commit.
func (b *Broker) commitRoom() group.Room {
	all := int64(b.config.MaxCommits)
	if b.memory != nil && b.memory.Limit() > 0 {
		all = min(all, b.memory.Limit()/groupsShare)
	}
	return group.Room{Left: all - b.groups.totals.weight.Load(), All: all}
}

// DeleteGroup implements broker.Broker.
func (b *Broker) DeleteGroup(_ context.Context, name string, force bool) error {
	if b.groups.shards[shardOf(name)].Load() == nil {
		return groupMissing(name)
	}
	return b.proposeTo(name, proposal{barrier: true, frees: true, plan: func(s *group.Shard) (group.Plan, error) {
		return s.Delete(name, force, nowMillis())
	}})
}

// proposeTo has a change made by the shard that owns a group.
func (b *Broker) proposeTo(name string, p proposal) error {
	a, err := b.shard(shardOf(name))
	if err != nil {
		return err
	}
	return b.propose(a, p)
}

// Commit implements broker.Broker.
func (b *Broker) Commit(_ context.Context, c broker.Commit) ([]broker.Committed, error) {
	origins, invalid, err := b.origins(c.Offsets)
	if err != nil {
		return nil, err
	}
	var results []broker.Committed
	plan := func(s *group.Shard) (p group.Plan, err error) {
		if c.Create {
			if err := b.roomFor(s, c.Group); err != nil {
				return p, err
			}
		}
		results, p, err = s.Commit(c, origins, b.commitRoom(), nowMillis())
		return p, cmp.Or(err, invalid)
	}
	if c.DryRun {
		err = b.tryPlan(c.Group, plan)
	} else {
		err = b.proposeTo(c.Group, proposal{barrier: true, plan: plan})
		b.forgetLate(c.Offsets, origins)
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// tryPlan makes a change and throws it away.
func (b *Broker) tryPlan(name string, plan planner) (err error) {
	a := b.groups.shards[shardOf(name)].Load()
	if a == nil {
		_, err = plan(group.NewShard())
		return err
	}
	if !a.ask(func() { _, err = plan(a.shard.groups) }) {
		return b.shardLeft()
	}
	return err
}

// origins asks the partitions' owners what they have, so that no commit is ahead of its partition. invalid is about the
// first offset that is nowhere, to be told to those alone who may commit: a member that is fenced since the topic was
// made anew, or lost its end to a power cut, has to learn that.
func (b *Broker) origins(offsets []broker.CommitOffset) (origins []group.Origin, invalid, err error) {
	origins = make([]group.Origin, len(offsets))
	for i, o := range offsets {
		t, ok := b.topics.Load(o.Topic)
		if !ok {
			return nil, nil, topicMissing(o.Topic)
		}
		origins[i].TopicID = t.uuid
		a, err := t.actor(o.Partition)
		if err != nil {
			invalid = cmp.Or(invalid, err)
			continue
		}
		var high int64
		if !a.ask(func() { high, origins[i].Epoch = a.part.HighWatermark(), a.part.Epoch() }) {
			return nil, nil, t.left(o.Partition)
		}
		if o.Offset < 0 || o.Offset > high {
			invalid = cmp.Or[error](invalid, &broker.OffsetError{
				Index: i, Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, HighWatermark: high,
			})
		}
	}
	return origins, invalid, nil
}

// forgetCommits ends what groups committed in a deleted topic. What fails here stays as garbage that no one sees: the
// topic's id is gone.
func (b *Broker) forgetCommits(t *topic) {
	b.groups.each(func(a *Actor) bool {
		for more := true; more; {
			err := b.propose(a, proposal{barrier: true, frees: true, plan: func(s *group.Shard) (group.Plan, error) {
				p := s.Forget(t.name, t.uuid, nowMillis())
				more = p.Batch != nil
				return p, nil
			}})
			if err != nil {
				b.config.Logger.Warn("commits of a deleted topic stay in the log", "topic", t.name, "log", a.name, "error", err)
				return true
			}
		}
		return true
	})
}

// forgetLate ends commits to a topic that was deleted while they were on their way.
func (b *Broker) forgetLate(offsets []broker.CommitOffset, origins []group.Origin) {
	for i, o := range offsets {
		if t, ok := b.topics.Load(o.Topic); !ok || t.uuid != origins[i].TopicID {
			b.forgetCommits(&topic{name: o.Topic, uuid: origins[i].TopicID})
		}
	}
}
