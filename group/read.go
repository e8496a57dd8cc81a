package group

import (
	"cmp"
	"maps"
	"slices"

	"flashq/broker"
)

// Find gives a group with its commits for one topic, or all of it (""): ErrGroupNotFound. It shares nothing with the
// Shard.
func (s *Shard) Find(name, topic string, topics Topics, now int64) (broker.Group, error) {
	g := s.groups[name]
	if g == nil {
		return broker.Group{}, notFound(name)
	}
	v := g.view(name, topic, topics)
	v.Live = g.live(now)
	if topic == "" {
		v.Topics, v.Members = g.subscribed(), g.list(now)
	}
	return v, nil
}

// List gives the groups that have a commit or a member for a topic, or all of them (""), in no order.
func (s *Shard) List(topic string, topics Topics, now int64) []broker.Group {
	var all []broker.Group
	for name, g := range s.groups {
		v := g.view(name, topic, topics)
		if topic == "" || len(v.Offsets) > 0 || g.assigned[topic] != nil {
			v.Live, v.Topics = g.live(now), g.subscribed()
			all = append(all, v)
		}
	}
	return all
}

func (g *state) list(now int64) []broker.Member {
	var all []broker.Member
	for name, m := range g.members {
		if m.alive(now) {
			all = append(all, broker.Member{
				Name: name, Topics: slices.Clone(m.topics), Assignment: m.assignment(), Expires: m.expires(now),
			})
		}
	}
	slices.SortFunc(all, func(a, b broker.Member) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// view shows a group with its commits for one topic, or for all (""). Those for a topic that is not there any more, or
// for an earlier one of the name, do not count.
func (g *state) view(name, topic string, topics Topics) broker.Group {
	v := broker.Group{Name: name, Start: g.start, Generation: g.generation, Seen: g.seen}
	names := []string{topic}
	if topic == "" {
		names = slices.Sorted(maps.Keys(g.commits))
		v.Met = slices.Sorted(maps.Keys(g.met))
	} else if g.met[topic] {
		v.Met = names
	}
	for _, t := range names {
		v.Offsets = append(v.Offsets, g.offsets(t, topics)...)
	}
	return v
}

// offsets are a group's commits for one topic, sorted by partition.
func (g *state) offsets(topic string, topics Topics) []broker.GroupOffset {
	id, partitions := topics(topic)
	if partitions == 0 {
		return nil
	}
	var all []broker.GroupOffset
	for _, c := range g.commits[topic] {
		if c.topicID == id {
			all = append(all, broker.GroupOffset{
				Topic: topic, Partition: int(c.partition), Offset: c.offset, Metadata: c.metadata, Timestamp: c.timestamp,
				Truncated: c.truncated,
			})
		}
	}
	return all
}
