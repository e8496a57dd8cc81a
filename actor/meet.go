package actor

import (
	"context"
	"errors"

	"flashq/broker"
	"flashq/group"
)

// Meet implements broker.Broker.
func (b *Broker) Meet(ctx context.Context, name, topic string) (broker.Group, error) {
	g, err := b.Group(ctx, name, topic)
	if err != nil || g.Start != broker.StartLatest || len(g.Met) > 0 {
		return g, err
	}
	if err := b.meet(name, []string{topic}); err != nil {
		return broker.Group{}, err
	}
	return b.Group(ctx, name, topic)
}

// meet has a group that starts at the latest begin where these topics end now. That it does is as durable as it can be:
// of all that is written of groups, this alone means lost records where it is lost.
func (b *Broker) meet(name string, topics []string) error {
	meetings := make([]group.Meeting, len(topics))
	for i, topic := range topics {
		meetings[i] = b.meeting(topic)
	}
	plan := func(s *group.Shard) (group.Plan, error) {
		return s.Meet(name, meetings, b.commitRoom(), nowMillis())
	}
	err := b.proposeTo(name, proposal{barrier: true, sync: true, plan: plan})
	if errors.Is(err, broker.ErrDiskFull) || errors.Is(err, broker.ErrOverloaded) {
		err = b.proposeTo(name, proposal{plan: func(s *group.Shard) (group.Plan, error) {
			p, err := plan(s)
			return s.Keep(p, name, meetings, nowMillis()), err
		}})
	}
	for _, m := range meetings {
		b.forgetLate(m.Ends, m.Origins)
	}
	return err
}

// meeting asks the partitions' owners where they end. One that is down is left out: it begins at 0 when it is there
// again.
func (b *Broker) meeting(name string) group.Meeting {
	m := group.Meeting{Topic: name}
	t, ok := b.topics.Load(name)
	if !ok {
		return m
	}
	for partition, a := range t.actors {
		end := broker.CommitOffset{Topic: name, Partition: partition}
		from := group.Origin{TopicID: t.uuid}
		if a.ask(func() { end.Offset, from.Epoch = a.part.HighWatermark(), a.part.Epoch() }) {
			m.Ends, m.Origins = append(m.Ends, end), append(m.Origins, from)
		}
	}
	return m
}
