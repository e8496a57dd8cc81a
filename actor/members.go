package actor

import (
	"cmp"
	"context"
	"slices"

	"flashq/broker"
	"flashq/group"
)

// shape tells a topic's id and partitions, as they are now.
func (b *Broker) shape(name string) (id [16]byte, partitions int) {
	t, ok := b.topics.Load(name)
	if !ok {
		return id, 0
	}
	return t.uuid, len(t.actors)
}

// Join implements broker.Broker.
func (b *Broker) Join(_ context.Context, c broker.MemberCall) (broker.Membership, error) {
	wishes, off, err := b.wishes(c.Ack)
	if err != nil {
		return broker.Membership{}, err
	}
	if !c.Create && b.groups.shards[shardOf(c.Group)].Load() == nil {
		return broker.Membership{}, groupMissing(c.Group)
	}
	call := group.Call{
		Group: c.Group, Member: c.Member, Topics: sorted(c.Topics), Add: c.Add, SessionMs: c.SessionMs, Held: c.Held,
		Ack: wishes, Generation: c.Generation, Topic: c.Topic,
	}
	var answer group.Membership
	err = b.proposeTo(c.Group, proposal{barrier: len(wishes) > 0, plan: func(s *group.Shard) (group.Plan, error) {
		if !s.Has(c.Group) && !c.Create {
			return group.Plan{}, groupMissing(c.Group)
		}
		if err := b.roomFor(s, c.Group); err != nil {
			return group.Plan{}, err
		}
		call.Room = int(int64(b.config.MaxMemberTopics) - b.groups.totals.subscribed.Load())
		change, err := s.Call(call, b.shape, nowMillis(), &answer)
		return change, cmp.Or(err, off)
	}})
	b.forgetLate(c.Ack, wishes)
	if err != nil {
		return broker.Membership{}, b.groupError(err, c.Group, c.Member)
	}
	return broker.Membership{
		Group: b.show(answer.Info), Assignment: answer.Assignment, Expires: answer.Expires, Seen: answer.Seen,
	}, nil
}

// sorted gives each name once, in order; nil stays nil.
func sorted(names []string) []string {
	list := slices.Clone(names)
	slices.Sort(list)
	return slices.Compact(list)
}

// Leave implements broker.Broker.
func (b *Broker) Leave(_ context.Context, name, member string) error {
	if b.groups.shards[shardOf(name)].Load() == nil {
		return groupMissing(name)
	}
	err := b.proposeTo(name, proposal{barrier: true, plan: func(s *group.Shard) (group.Plan, error) {
		return s.Leave(name, member, b.shape, nowMillis())
	}})
	return b.groupError(err, name, member)
}

// WatchGroup implements broker.Broker. Who is no member holds no lease: where the shard is down, there is just nobody
// to poke.
func (b *Broker) WatchGroup(w *broker.GroupWatch) error {
	a, err := b.shard(shardOf(w.Group))
	if w.Member == "" {
		if err == nil {
			a.ask(func() { a.shard.watch(w) })
		}
		return nil
	}
	if err != nil {
		return err
	}
	return b.propose(a, proposal{plan: func(*group.Shard) (group.Plan, error) {
		return group.Plan{Apply: func() { a.shard.watch(w) }}, nil
	}})
}

// LeaveGroup implements broker.Broker.
func (b *Broker) LeaveGroup(w *broker.GroupWatch) {
	a := b.groups.shards[shardOf(w.Group)].Load()
	switch {
	case a == nil:
	case w.Member == "":
		a.ask(func() { a.shard.unwatch(w) })
	default: // an error is a shard without members
		_ = b.propose(a, proposal{plan: func(*group.Shard) (group.Plan, error) {
			return group.Plan{Apply: func() { a.shard.unwatch(w) }}, nil
		}})
	}
}

// refreshGroups has a topic that came or went dealt out anew. Where that fails, the next call of a member does it.
func (b *Broker) refreshGroups(topic string) {
	b.groups.each(func(a *Actor) bool {
		err := b.propose(a, proposal{plan: func(s *group.Shard) (group.Plan, error) {
			return s.Refresh(topic, b.shape, nowMillis()), nil
		}})
		if err != nil {
			b.config.Logger.Warn("members are not told of a topic's change", "topic", topic, "log", a.name, "error", err)
		}
		return true
	})
}
