package group

import (
	"cmp"
	"maps"
	"slices"
)

// Info is one group at one moment; it shares nothing with the Shard.
type Info struct {
	Name       string
	Start      string
	Generation int32
	Commits    []Entry // sorted by topic and partition
}

// Entry is a commit with its place.
type Entry struct {
	Topic     string
	Partition int32
	Commit
}

// Find gives a group with its commits for one topic, or for all (""): ErrUnknown.
func (s *Shard) Find(name, topic string) (Info, error) {
	g := s.groups[name]
	if g == nil {
		return Info{}, ErrUnknown
	}
	return g.info(name, topic), nil
}

// List gives the groups that have a commit for a topic, or all of them (""), in no order.
func (s *Shard) List(topic string) []Info {
	var all []Info
	for name, g := range s.groups {
		if topic == "" || len(g.commits[topic]) > 0 {
			all = append(all, g.info(name, topic))
		}
	}
	return all
}

func (g *state) info(name, topic string) Info {
	i := Info{Name: name, Start: g.start, Generation: g.generation}
	topics := []string{topic}
	if topic == "" {
		topics = slices.Sorted(maps.Keys(g.commits))
	}
	for _, t := range topics {
		for p, c := range g.commits[t] {
			i.Commits = append(i.Commits, Entry{Topic: t, Partition: p, Commit: c})
		}
	}
	slices.SortFunc(i.Commits, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return i
}
