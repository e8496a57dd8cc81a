package actor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	var info group.Info
	var err error
	if !a.ask(func() { info, err = a.shard.groups.Find(name, topic, nowMillis()) }) {
		return broker.Group{}, b.shardLeft()
	}
	return b.show(info), b.groupError(err, name, "")
}

// Groups implements broker.Broker.
func (b *Broker) Groups(_ context.Context, topic string) ([]broker.Group, error) {
	all := []broker.Group{}
	b.groups.each(func(a *Actor) bool {
		var list []group.Info
		a.ask(func() { list = a.shard.groups.List(topic, nowMillis()) }) // a shard that failed has none to show
		for _, info := range list {
			if g := b.show(info); topic == "" || len(g.Offsets) > 0 || slices.Contains(g.Topics, topic) {
				all = append(all, g)
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b broker.Group) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// GroupCount implements broker.Broker.
func (b *Broker) GroupCount(context.Context) (int, error) {
	return int(b.groups.totals.stored.Load()), nil
}

// show puts a group in broker's words; commits of topics that are not there any more do not count.
func (b *Broker) show(info group.Info) broker.Group {
	g := broker.Group{
		Name: info.Name, Start: info.Start, Generation: info.Generation, Live: info.Live, Topics: info.Topics,
		Seen: info.Seen,
	}
	for _, m := range info.Members {
		g.Members = append(g.Members, broker.Member(m))
	}
	for _, c := range info.Commits {
		if t, ok := b.topics.Load(c.Topic); !ok || t.uuid != c.TopicID {
			continue
		}
		g.Offsets = append(g.Offsets, broker.GroupOffset{
			Topic: c.Topic, Partition: int(c.Partition), Offset: c.Offset, Metadata: c.Metadata, Timestamp: c.Timestamp,
			Truncated: c.Truncated,
		})
	}
	return g
}

// groupError gives group's errors their names in package broker, and says whom they are about.
func (b *Broker) groupError(err error, name, member string) error {
	var fenced *group.FencedError
	switch {
	case errors.As(err, &fenced):
		return &broker.FencedError{
			Group: name, Member: member, Index: fenced.Index, Topic: fenced.Topic, Partition: int(fenced.Partition),
			Generation: fenced.Generation, Current: fenced.Current,
		}
	case errors.Is(err, group.ErrActive):
		return &broker.GroupError{Group: name, Err: broker.ErrGroupActive}
	case errors.Is(err, group.ErrNoMember):
		return &broker.MemberError{Group: name, Member: member, Err: broker.ErrMemberNotFound}
	case errors.Is(err, group.ErrNoTopics):
		return &broker.MemberError{Group: name, Member: member, Err: broker.ErrNoTopics}
	case errors.Is(err, group.ErrTooManyMembers):
		return fmt.Errorf("%w: a group may have %d", broker.ErrTooManyMembers, group.MaxMembers)
	case errors.Is(err, group.ErrTooManyTopics):
		return fmt.Errorf("%w: one may ask for %d topics, and all together for %d", broker.ErrTooManyMembers,
			group.MaxTopics, b.config.MaxMemberTopics)
	case errors.Is(err, group.ErrUnknown):
		return groupMissing(name)
	case errors.Is(err, group.ErrTooMany):
		return &broker.GroupError{
			Group: name, Err: fmt.Errorf("%w: a group may have %d commits", broker.ErrTooManyGroups, group.MaxCommits),
		}
	}
	return err
}

// PutGroup implements broker.Broker.
func (b *Broker) PutGroup(_ context.Context, name, start string) (created bool, err error) {
	err = b.proposeTo(name, proposal{barrier: true, plan: func(s *group.Shard) (c group.Plan, err error) {
		if err := b.roomFor(s, name); err != nil {
			return c, err
		}
		created, c = s.Put(name, start, nowMillis())
		return c, nil
	}})
	return created, err
}

// roomFor refuses a new group beyond the bound.
func (b *Broker) roomFor(s *group.Shard, name string) error {
	if !s.Has(name) && b.groups.totals.stored.Load() >= int64(b.config.MaxGroups) {
		return &broker.GroupError{Group: name, Err: broker.ErrTooManyGroups}
	}
	return nil
}

// DeleteGroup implements broker.Broker.
func (b *Broker) DeleteGroup(_ context.Context, name string, force bool) error {
	if b.groups.shards[shardOf(name)].Load() == nil {
		return groupMissing(name)
	}
	err := b.proposeTo(name, proposal{barrier: true, plan: func(s *group.Shard) (group.Plan, error) {
		return s.Delete(name, force, nowMillis())
	}})
	return b.groupError(err, name, "")
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
	wishes, off, err := b.wishes(c.Offsets)
	if err != nil {
		return nil, err
	}
	var results []group.Result
	move := group.Move{
		Group: c.Group, Wishes: wishes, Ack: c.Ack, Member: c.Member, Generation: c.Generation, Force: c.Force,
	}
	plan := func(s *group.Shard) (change group.Plan, err error) {
		if !s.Has(c.Group) && !c.Create {
			return change, groupMissing(c.Group)
		}
		if err := b.roomFor(s, c.Group); err != nil {
			return change, err
		}
		results, change, err = s.Commit(move, nowMillis())
		return change, cmp.Or(err, off)
	}
	if c.DryRun {
		err = b.tryPlan(c.Group, plan)
	} else {
		err = b.proposeTo(c.Group, proposal{barrier: true, plan: plan})
		b.forgetLate(c.Offsets, wishes)
	}
	if err != nil {
		return nil, b.groupError(err, c.Group, c.Member)
	}
	done := make([]broker.Committed, len(results))
	for i, r := range results {
		done[i] = broker.Committed(r)
	}
	return done, nil
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

// wishes asks the partitions' owners what they have, so that no commit is ahead of its partition. off is about the
// first offset that is nowhere, to be told to those alone who may commit: a member that is fenced since the topic was
// made anew, or lost its end to a power cut, has to learn that.
func (b *Broker) wishes(offsets []broker.CommitOffset) (wishes []group.Wish, off, err error) {
	wishes = make([]group.Wish, len(offsets))
	for i, o := range offsets {
		t, ok := b.topics.Load(o.Topic)
		if !ok {
			return nil, nil, topicMissing(o.Topic)
		}
		wishes[i] = group.Wish{
			Topic: o.Topic, Partition: int32(o.Partition),
			Commit: group.Commit{TopicID: t.uuid, Offset: o.Offset, Metadata: o.Metadata},
		}
		a, err := t.actor(o.Partition)
		if err != nil {
			off = cmp.Or(off, err)
			continue
		}
		var high int64
		if !a.ask(func() { high, wishes[i].Epoch = a.part.HighWatermark(), a.part.Epoch() }) {
			return nil, nil, t.left(o.Partition)
		}
		if o.Offset < 0 || o.Offset > high {
			off = cmp.Or[error](off, &broker.OffsetError{
				Index: i, Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, HighWatermark: high,
			})
		}
	}
	return wishes, off, nil
}

// forgetCommits ends what groups committed in a deleted topic. What fails here stays as garbage that no one sees: the
// topic's id is gone.
func (b *Broker) forgetCommits(t *topic) {
	b.groups.each(func(a *Actor) bool {
		for more := true; more; {
			err := b.propose(a, proposal{barrier: true, plan: func(s *group.Shard) (group.Plan, error) {
				c := s.Forget(t.name, t.uuid, nowMillis())
				more = c.Batch != nil
				return c, nil
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
func (b *Broker) forgetLate(offsets []broker.CommitOffset, wishes []group.Wish) {
	for i, o := range offsets {
		if t, ok := b.topics.Load(o.Topic); !ok || t.uuid != wishes[i].TopicID {
			b.forgetCommits(&topic{name: o.Topic, uuid: wishes[i].TopicID})
		}
	}
}
