package group

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

const (
	// MaxMembers bounds the members of one group: a topic has 256 partitions at most, the rest stand by.
	MaxMembers = 1000
	// MaxTopics bounds the topics of one member.
	MaxTopics = 100
)

var (
	// ErrActive is returned for what must not be done beside live members.
	ErrActive = errors.New("the group has live members")
	// ErrNoMember is returned for a member that is not there, or whose lease has ended.
	ErrNoMember = errors.New("no such member")
	// ErrNoTopics is returned for a new member that names no topic.
	ErrNoTopics = errors.New("a new member names its topics")
	// ErrTooManyMembers is returned beyond MaxMembers.
	ErrTooManyMembers = errors.New("too many members")
	// ErrTooManyTopics is returned beyond MaxTopics.
	ErrTooManyTopics = errors.New("too many topics of a member")
)

// FencedError is returned for an offset whose member does not hold the partition without a break since Generation.
type FencedError struct {
	Index      int // of the offset
	Topic      string
	Partition  int32
	Generation int64 // the member's
	Current    int32 // the group's
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("%s-%d is not held since generation %d", e.Topic, e.Partition, e.Generation)
}

// Topics tells a topic's id and how many partitions it has: 0 when there is no such topic.
type Topics func(name string) (id [16]byte, partitions int)

// member is one who shares a group's work. It is in memory only: who lives on over a restart joins again.
type member struct {
	group, name string
	topics      []string // sorted
	session     int64    // milliseconds
	end         int64    // of the lease, milliseconds; while a call waits it only says when it began to
	waiting     int      // calls that wait and hold the lease
	born        uint64   // tells it from an earlier member of the name
	seen        uint64   // see Shard.Seen

	due   int64 // its place in Shard.leases: at the lease's end, or before
	index int
}

func (m *member) alive(now int64) bool { return m != nil && (m.waiting > 0 || now < m.end) }

// expires is when the lease ends if nothing is heard of the member from now on.
func (m *member) expires(now int64) int64 {
	if m.waiting > 0 {
		return now + m.session
	}
	return m.end
}

// share is how the partitions of one topic are dealt out to those members who ask for it.
type share struct {
	id    [16]byte
	slots []slot // by partition; none while there is no such topic
}

// slot is one partition. It has one owner at a time: who is to have it next waits until the owner lets go.
type slot struct {
	owner  *member
	target *member // the owner itself where it is to stay
	since  int32   // the generation in which it came to its owner
}

// live counts the members whose lease has not ended.
func (g *state) live(now int64) (n int) {
	for _, m := range g.members {
		if m.alive(now) {
			n++
		}
	}
	return n
}

// active tells whether any member lives.
func (g *state) active(now int64) bool {
	if g != nil {
		for _, m := range g.members {
			if m.alive(now) {
				return true
			}
		}
	}
	return false
}

// partitions are those of a topic that the member holds.
func (g *state) partitions(topic string, m *member) []int {
	held := []int{}
	if s := g.shares[topic]; s != nil {
		held = make([]int, 0, len(s.slots)/len(g.members)+1)
		for p := range s.slots {
			if s.slots[p].owner == m {
				held = append(held, p)
			}
		}
	}
	return held
}

// assignment is all that the member holds, with an entry for each of its topics.
func (g *state) assignment(m *member) map[string][]int {
	all := make(map[string][]int, len(m.topics))
	for _, topic := range m.topics {
		all[topic] = g.partitions(topic, m)
	}
	return all
}

// fence refuses offsets of partitions that the member does not hold without a break since a generation.
func (g *state) fence(name string, generation int64, wishes []Wish, now int64) error {
	for i, w := range wishes {
		if !g.holds(name, generation, w, now) {
			e := &FencedError{Index: i, Topic: w.Topic, Partition: w.Partition, Generation: generation}
			if g != nil {
				e.Current = g.generation
			}
			return e
		}
	}
	return nil
}

func (g *state) holds(name string, generation int64, w Wish, now int64) bool {
	if g == nil || !g.members[name].alive(now) {
		return false
	}
	s := g.shares[w.Topic]
	if s == nil || s.id != w.TopicID || int(w.Partition) >= len(s.slots) {
		return false
	}
	slot := &s.slots[w.Partition]
	return slot.owner == g.members[name] && int64(slot.since) <= generation && generation <= int64(g.generation)
}

// touch makes it known to whoever waits as this member that something has changed for it.
func (s *Shard) touch(m *member) {
	s.tick++
	m.seen = s.tick
	s.touched[m.group] = true
}

// touchGroup does the same for those who wait for the group without being a member.
func (s *Shard) touchGroup(name string) {
	s.touched[name] = true
	if g := s.groups[name]; g != nil {
		s.tick++
		g.seen = s.tick
	}
}

// Seen is a number that changes when something changes for a member, or with member "" for those who read for the group
// without being one. It is 0 for nobody, and never comes again.
func (s *Shard) Seen(group, member string) uint64 {
	g := s.groups[group]
	switch {
	case g == nil:
		return 0
	case member == "":
		return g.seen
	case g.members[member] == nil:
		return 0
	}
	return g.members[member].seen
}

// Touched visits the groups for which Seen may have changed since the last call.
func (s *Shard) Touched(visit func(group string)) {
	for name := range s.touched {
		visit(name)
	}
	clear(s.touched)
}

// Subscriptions counts the topics of all members.
func (s *Shard) Subscriptions() int { return s.subscriptions }

// enter makes a member.
func (s *Shard) enter(g *state, group, name string) *member {
	s.tick++
	m := &member{group: group, name: name, born: s.tick, index: -1}
	if g.members == nil {
		g.members, g.shares = map[string]*member{}, map[string]*share{}
	}
	g.members[name] = m
	s.touch(m)
	if len(g.members) == 1 {
		s.touchGroup(group)
	}
	return m
}

// retire ends a member: what it holds is nobody's until it is dealt out.
func (s *Shard) retire(g *state, m *member) {
	for _, share := range g.shares {
		for p := range share.slots {
			if share.slots[p].owner == m {
				share.slots[p].owner = nil
			}
		}
	}
	delete(g.members, m.name)
	s.subscriptions -= len(m.topics)
	s.endLease(m)
	s.touched[m.group] = true
}

// exit ends a member, and with the last one what only members need.
func (s *Shard) exit(g *state, m *member) {
	s.retire(g, m)
	if len(g.members) == 0 {
		g.members, g.shares = nil, nil
		s.touchGroup(m.group)
		s.dropEmpty(m.group, g)
	}
}

// subscribed lists the topics that any member asks for.
func (g *state) subscribed() []string { return slices.Sorted(maps.Keys(g.shares)) }
