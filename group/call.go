package group

import (
	"slices"

	"flashq/segment/batch"
)

// Call is what a member does: it joins, stays, acknowledges, all at once.
type Call struct {
	Group, Member string
	// Topics are sorted. They take the place of what the member asked for before; nil leaves that as it is, and with Add
	// they are added to it.
	Topics []string
	Add    bool
	// SessionMs is how long the lease lives; 0 leaves it as it is, and is DefaultSession for a new member.
	SessionMs int64
	// Held tells that the caller must be a member: it waited, and holds the lease.
	Held bool
	// Ack are offsets that the member is done with, and holds since Generation.
	Ack        []Wish
	Generation int64
	// Room is how many topics more members may ask for.
	Room int
	// Topic is the one whose commits and partitions are to be told; "" is all, without commits.
	Topic string
}

// DefaultSession is a lease that nothing else is said of, in milliseconds.
const DefaultSession = 30_000

// Membership is what a Call comes to.
type Membership struct {
	Info
	Assignment map[string][]int
	Expires    int64 // milliseconds
	Seen       uint64
}

// Call asks for a member's call: ErrUnknown, ErrNoMember (of one that is Held), ErrNoTopics, ErrTooMany,
// ErrTooManyMembers, ErrTooManyTopics or a FencedError. answer is set when the change is made.
func (s *Shard) Call(c Call, topics Topics, now int64, answer *Membership) (Plan, error) {
	g := s.groups[c.Group]
	var m *member
	if g != nil && g.members[c.Member].alive(now) {
		m = g.members[c.Member]
	}
	if c.Held && m == nil {
		if g == nil {
			return Plan{}, ErrUnknown
		}
		return Plan{}, ErrNoMember
	}
	if err := g.fence(c.Member, c.Generation, c.Ack, now); err != nil {
		return Plan{}, err
	}
	wanted, err := c.topics(g, m)
	if err != nil {
		return Plan{}, err
	}
	changes := m == nil || !slices.Equal(m.topics, wanted) || g.stale(m, topics)
	var w batch.Builder
	if changes {
		s.say(&w, c.Group, now)
	}
	if _, err := s.wish(&w, c.Group, c.Ack, true, now); err != nil {
		return Plan{}, err
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		g := s.group(c.Group)
		m := s.admit(g, c, now)
		if changes {
			s.subscribe(m, wanted)
			s.refresh(g, topics)
			s.deal(g, topics)
		}
		s.letGo(g, m)
		*answer = g.membership(c, m, now)
	}}, nil
}

// topics are what the member asks for from now on.
func (c Call) topics(g *state, m *member) ([]string, error) {
	wanted := c.Topics
	switch {
	case m == nil && len(wanted) == 0:
		return nil, ErrNoTopics
	case m == nil && g != nil && g.members[c.Member] == nil && len(g.members) >= MaxMembers:
		return nil, ErrTooManyMembers
	case m != nil && (c.Add || wanted == nil):
		wanted = union(m.topics, wanted)
	}
	if m != nil {
		c.Room += len(m.topics)
	}
	if len(wanted) > MaxTopics || len(wanted) > c.Room {
		return nil, ErrTooManyTopics
	}
	return wanted, nil
}

// stale tells whether one of a member's topics came, went or is another one now.
func (g *state) stale(m *member, topics Topics) bool {
	return slices.ContainsFunc(m.topics, func(topic string) bool { return g.shares[topic].stale(topic, topics) })
}

// admit finds the member or makes it, and renews its lease. One whose lease had ended begins anew.
func (s *Shard) admit(g *state, c Call, now int64) *member {
	m := g.members[c.Member]
	session := c.SessionMs
	if m != nil && session == 0 {
		session = m.session
	}
	if m != nil && !m.alive(now) {
		s.retire(g, m)
		m = nil
	}
	if m == nil {
		m = s.enter(g, c.Group, c.Member)
	}
	m.session = session
	if session == 0 {
		m.session = DefaultSession
	}
	s.renew(m, now)
	return m
}

// subscribe sets a member's topics.
func (s *Shard) subscribe(m *member, topics []string) {
	s.subscriptions += len(topics) - len(m.topics)
	m.topics = topics
}

// membership is what a member is told.
func (g *state) membership(c Call, m *member, now int64) Membership {
	a := Membership{Expires: m.expires(now), Seen: m.seen}
	if c.Topic == "" {
		a.Info = Info{Name: c.Group, Start: g.start, Generation: g.generation}
		a.Assignment = g.assignment(m)
		return a
	}
	a.Info = g.info(c.Group, c.Topic)
	a.Assignment = map[string][]int{c.Topic: g.partitions(c.Topic, m)}
	return a
}
