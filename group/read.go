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

	Live    int      // members whose lease has not ended
	Topics  []string // that members ask for, sorted; not from a Find of one topic
	Members []Member // the live ones, sorted by name; from a Find of all of it
	Seen    uint64   // see Shard.Seen
}

// Member is one live member of a group.
type Member struct {
	Name       string
	Topics     []string         // sorted
	Assignment map[string][]int // the partitions that it holds, with an entry for each topic
	Expires    int64            // milliseconds
}

// Entry is a commit with its place.
type Entry struct {
	Topic     string
	Partition int32
	Commit
}

// Find gives a group with its commits for one topic, or all of it (""): ErrUnknown.
func (s *Shard) Find(name, topic string, now int64) (Info, error) {
	g := s.groups[name]
	if g == nil {
		return Info{}, ErrUnknown
	}
	i := g.info(name, topic)
	i.Live = g.live(now)
	if topic == "" {
		i.Topics, i.Members = g.subscribed(), g.list(now)
	}
	return i, nil
}

// List gives the groups that have a commit or a member for a topic, or all of them (""), in no order.
func (s *Shard) List(topic string, now int64) []Info {
	var all []Info
	for name, g := range s.groups {
		if topic == "" || len(g.commits[topic]) > 0 || g.shares[topic] != nil {
			i := g.info(name, topic)
			i.Live, i.Topics = g.live(now), g.subscribed()
			all = append(all, i)
		}
	}
	return all
}

func (g *state) list(now int64) []Member {
	all := make([]Member, 0, len(g.members))
	for name, m := range g.members {
		if m.alive(now) {
			all = append(all, Member{
				Name: name, Topics: slices.Clone(m.topics), Assignment: g.assignment(m), Expires: m.expires(now),
			})
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (g *state) info(name, topic string) Info {
	i := Info{Name: name, Start: g.start, Generation: g.generation, Seen: g.seen}
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
