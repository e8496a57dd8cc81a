package actor

import (
	"context"
	"errors"

	"flashq/broker"
	"flashq/metrics"
)

// EachTopic implements broker.Figures.
func (b *Broker) EachTopic(visit func(t broker.Topic) bool) {
	b.topics.Range(func(_ string, t *topic) bool { return visit(t) })
}

// EachGroup implements broker.Figures: a shard at a time.
func (b *Broker) EachGroup(ctx context.Context, visit func(g broker.Group) bool) (err error) {
	b.groups.each(func(a *Actor) bool {
		var list []broker.Group
		list, err = askFor(ctx, a, func() []broker.Group { return a.shard.groups.List("", b.shape, nowMillis()) })
		for i := range list {
			if !visit(list[i]) {
				return false
			}
		}
		return err == nil
	})
	return err
}

// askFor has an owner give something in its turn; an owner that has left has nothing.
func askFor[T any](ctx context.Context, a *Actor, get func() T) (got T, err error) {
	reply := make(chan T, 1)
	select {
	case a.asks <- chore(func() { reply <- get() }):
	case <-a.done:
		return got, nil
	case <-ctx.Done():
		return got, ctx.Err()
	}
	select {
	case got = <-reply:
	case <-a.done:
		got, _ = await(reply, a.done)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return got, err
}

// Gauges implements broker.Figures.
func (b *Broker) Gauges() broker.Gauges {
	c, totals := &b.config, &b.groups.totals
	g := broker.Gauges{
		Topics:       broker.Bounded{Used: int64(b.topics.Size()), Limit: int64(c.MaxTopics)},
		Partitions:   broker.Bounded{Limit: int64(c.MaxPartitionsTotal)},
		Groups:       broker.Bounded{Used: totals.stored.Load(), Limit: int64(c.MaxGroups)},
		Commits:      broker.Bounded{Used: totals.weight.Load(), Limit: b.commitRoom().All},
		Keys:         broker.Bounded{Used: b.keys.Load(), Limit: int64(c.MaxKeys)},
		Producers:    broker.Bounded{Used: b.producers.Load(), Limit: int64(c.MaxProducers)},
		MemberTopics: broker.Bounded{Used: totals.subscribed.Load(), Limit: int64(c.MaxMemberTopics)},
	}
	if b.memory != nil {
		g.Memory = broker.Bounded{Used: b.memory.Used(), Limit: b.memory.Limit()}
	}
	count := func(a *Actor) bool {
		switch err := a.ready(); {
		case errors.Is(err, broker.ErrStorage):
			g.FailedPartitions++
		case err != nil:
			g.FullPartitions++
		}
		return true
	}
	count(b.meta)
	b.groups.each(count)
	b.each(func(_ *topic, a *Actor) bool {
		g.Partitions.Used++
		return count(a)
	})
	found := b.Found()
	g.Recovery, g.DamagedRanges = found.Took, found.Damaged
	return g
}

// publish lets others know how far the log is. Called by run after each turn.
func (a *Actor) publish() {
	if high := a.part.HighWatermark(); high != a.high.Load() {
		a.high.Store(high)
	}
	if start := a.part.Start(); start != a.start.Load() {
		a.start.Store(start)
	}
}

// Traffic implements broker.Watched.
func (t *topic) Traffic() *metrics.Traffic { return t.traffic }

// Glance implements broker.Watched.
func (t *topic) Glance(partition int) broker.Glance {
	if partition < 0 || partition >= len(t.actors) {
		return broker.Glance{Down: true}
	}
	a := t.actors[partition]
	high := a.high.Load() // before the start, which may overtake it
	return broker.Glance{
		LogStart: min(a.start.Load(), high), HighWatermark: high, Bytes: a.bytes.Load(), Down: a.broken.Load(),
	}
}
