package actor

import (
	"cmp"
	"context"
	"errors"

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
	origins, invalid, err := b.origins(c.Ack)
	if err != nil {
		return broker.Membership{}, err
	}
	if !c.Create && b.groups.shards[shardOf(c.Group)].Load() == nil {
		return broker.Membership{}, groupMissing(c.Group)
	}
	answer, err := b.join(c, origins, invalid)
	var unmet *group.UnmetError
	for errors.As(err, &unmet) {
		if err = b.meet(c.Group, unmet.Topics); err == nil {
			answer, err = b.join(c, origins, invalid)
		}
	}
	b.forgetLate(c.Ack, origins)
	return answer, err
}

// join has the shard make the call. invalid is told to those who may acknowledge, see origins.
func (b *Broker) join(c broker.MemberCall, origins []group.Origin, invalid error) (broker.Membership, error) {
	var answer broker.Membership
	err := b.proposeTo(c.Group, proposal{barrier: len(c.Ack) > 0, plan: func(s *group.Shard) (group.Plan, error) {
		if c.Create {
			if err := b.roomFor(s, c.Group); err != nil {
				return group.Plan{}, err
			}
		}
		rooms := group.Rooms{Topics: b.memberRoom(), Commits: b.commitRoom()}
		p, err := s.Join(c, origins, rooms, b.shape, nowMillis(), &answer)
		return p, cmp.Or(err, invalid)
	}})
	if err != nil {
		return broker.Membership{}, err
	}
	return answer, nil
}

// memberRoom is how many topics members may ask for.
func (b *Broker) memberRoom() group.Room {
	all := int64(b.config.MaxMemberTopics)
	return group.Room{Left: all - b.groups.totals.subscribed.Load(), All: all}
}

// Leave implements broker.Broker.
func (b *Broker) Leave(_ context.Context, name, member string) error {
	if b.groups.shards[shardOf(name)].Load() == nil {
		return groupMissing(name)
	}
	return b.proposeTo(name, proposal{barrier: true, plan: func(s *group.Shard) (group.Plan, error) {
		return s.Leave(name, member, b.shape, nowMillis())
	}})
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

// refreshGroups has a topic that came or went assigned anew. Where that fails, the next call of a member does it.
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
