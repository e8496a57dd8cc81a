package group

import (
	"maps"
	"slices"

	"flashq/broker"
)

// Topics tells a topic's id and how many partitions it has: 0 when there is no such topic.
type Topics func(name string) (id [16]byte, partitions int)

// member is one who shares a group's work. It is in memory only: who lives on over a restart joins again.
type member struct {
	group, name string
	topics      []string      // sorted
	reads       []*assignment // of topics, in their order
	session     int64         // milliseconds
	end         int64         // of the lease, milliseconds; while a call waits it only says when it began to
	waiting     int           // calls that wait and hold the lease
	born        uint64        // tells it from an earlier member of the name
	seen        uint64        // see Shard.Seen

	due   int64 // its place in Shard.leases: at the lease's end, or before
	index int

	// what it is to have
	load   int  // how many partitions of all topics
	moving int  // how many it has that another one is to have
	moved  bool // it is in state.moved
	place  int  // among the readers of the topic that is looked at
}

func (m *member) alive(now int64) bool { return m != nil && (m.waiting > 0 || now < m.end) }

// expires is when the lease ends if it is not renewed from now on.
func (m *member) expires(now int64) int64 {
	if m.waiting > 0 {
		return now + m.session
	}
	return m.end
}

// assignment is how the partitions of one topic are assigned to those members who ask for it.
type assignment struct {
	topic   string
	readers []reader // sorted by name; none once it is forgotten
	shaped  bool     // id and slots are those of the topic as it was seen
	id      [16]byte
	slots   []slot // by partition; none while there is no such topic
	least   int    // how many partitions each reader is to have at least
	changed bool   // it is in state.changed
	listed  bool   // it is in the list that affected makes
}

// slot is one partition. It has one owner at a time, who asks for the topic: who is to have it next waits until the
// owner lets go.
type slot struct {
	owner  *member
	target *member // the owner itself where it is to keep it
	since  int32   // the generation in which it came to its owner
}

// moves tells whether the owner is to let go.
func (s *slot) moves() bool { return s.owner != nil && s.owner != s.target }

// free takes the partition from its owner.
func (s *slot) free() {
	if s.moves() {
		s.owner.moving--
	}
	s.owner = nil
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
	if h := g.assigned[topic]; h != nil {
		return h.heldBy(m)
	}
	return []int{}
}

func (h *assignment) heldBy(m *member) []int {
	held := []int{}
	for p := range h.slots {
		if h.slots[p].owner == m {
			held = append(held, p)
		}
	}
	return held
}

// assignment is all that the member holds, with an entry for each of its topics.
func (m *member) assignment() map[string][]int {
	all := make(map[string][]int, len(m.topics))
	for _, h := range m.reads {
		all[h.topic] = h.heldBy(m)
	}
	return all
}

// fence refuses offsets of partitions that the member does not hold without a break since a generation.
func (g *state) fence(c broker.Commit, origins []Origin, now int64) error {
	for i, o := range c.Offsets {
		if g.holds(c, o, origins[i], now) {
			continue
		}
		e := &broker.FencedError{
			Group: c.Group, Member: c.Member, Index: i, Topic: o.Topic, Partition: o.Partition, Generation: c.Generation,
		}
		if g != nil {
			e.Current = g.generation
		}
		return e
	}
	return nil
}

// fenceNeeds refuses an ack that comes with a partition which the member does not hold.
func (g *state) fenceNeeds(c broker.MemberCall) error {
	if len(c.Ack) == 0 {
		return nil
	}
	h, m := g.assigned[c.Topic], g.members[c.Member] // they are there: the ack is good
	for _, p := range c.Needs {
		if h == nil || p < 0 || p >= len(h.slots) || h.slots[p].owner != m {
			return &broker.FencedError{
				Group: c.Group, Member: c.Member, Index: -1, Topic: c.Topic, Partition: p, Generation: c.Generation,
				Current: g.generation,
			}
		}
	}
	return nil
}

func (g *state) holds(c broker.Commit, o broker.CommitOffset, from Origin, now int64) bool {
	if g == nil || !g.members[c.Member].alive(now) {
		return false
	}
	s := g.assigned[o.Topic]
	if s == nil || s.id != from.TopicID || o.Partition < 0 || o.Partition >= len(s.slots) {
		return false
	}
	slot := &s.slots[o.Partition]
	return slot.owner == g.members[c.Member] && int64(slot.since) <= c.Generation && c.Generation <= int64(g.generation)
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

// add makes a member.
func (s *Shard) add(g *state, group, name string) *member {
	s.tick++
	m := &member{group: group, name: name, born: s.tick, index: -1}
	if g.members == nil {
		g.members, g.assigned = map[string]*member{}, map[string]*assignment{}
	}
	g.members[name] = m
	s.touch(m)
	if len(g.members) == 1 {
		s.touchGroup(group)
	}
	return m
}

// remove ends a member: what it holds is nobody's until it is assigned.
func (s *Shard) remove(g *state, m *member) {
	delete(g.members, m.name)
	s.subscribe(g, m, nil)
	s.endLease(m)
	s.touched[m.group] = true
}

// disband ends all members of a group, and what only members need.
func (s *Shard) disband(name string, g *state) {
	s.touchGroup(name)
	if len(g.members) == 0 {
		return
	}
	for _, m := range g.members {
		s.subscriptions -= len(m.topics)
		s.endLease(m)
	}
	g.members, g.assigned, g.changed, g.moved = nil, nil, nil, nil
	s.dropEmpty(name, g)
}

// subscribed lists the topics that any member asks for.
func (g *state) subscribed() []string { return slices.Sorted(maps.Keys(g.assigned)) }
