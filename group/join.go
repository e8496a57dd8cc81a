package group

import (
	"cmp"
	"fmt"
	"slices"

	"flashq/broker"
	"flashq/segment/batch"
)

// Rooms bound what a call of a member may ask for: topics of all members, and commits.
type Rooms struct{ Topics, Commits Room }

// Join plans a member's call; origins are those of c.Ack. It refuses with a GroupError or MemberError around
// ErrGroupNotFound, ErrMemberNotFound (of one that is Held), ErrNoTopics or ErrTooManyCommits, with ErrTooManyMembers,
// with a FencedError, or with an UnmetError. answer is set when the plan is carried out.
func (s *Shard) Join(
	c broker.MemberCall, origins []Origin, rooms Rooms, topics Topics, now int64, answer *broker.Membership,
) (Plan, error) {
	g := s.groups[c.Group]
	if g == nil && (c.Held || !c.Create) {
		return Plan{}, notFound(c.Group)
	}
	var m *member
	if g != nil && g.members[c.Member].alive(now) {
		m = g.members[c.Member]
	}
	if c.Held && m == nil {
		return Plan{}, memberNotFound(c.Group, c.Member)
	}
	if err := g.fence(ackOf(c), origins, now); err != nil {
		return Plan{}, err
	}
	if err := g.fenceNeeds(c); err != nil {
		return Plan{}, err
	}
	wanted, err := g.topicsOf(m, c, rooms.Topics)
	if err != nil {
		return Plan{}, err
	}
	if unmet := g.unmet(wanted); len(unmet) > 0 {
		return Plan{}, &UnmetError{Topics: unmet}
	}
	changes := m == nil || !slices.Equal(m.topics, wanted) || m.stale(topics)
	var w batch.Builder
	if changes {
		s.addGeneration(&w, c.Group, now)
	}
	if _, err := s.addCommits(&w, ackOf(c), origins, rooms.Commits, now); err != nil {
		return Plan{}, err
	}
	return Plan{Batch: w.Finish(), Apply: func() {
		g := s.group(c.Group)
		m := s.admit(g, c, now)
		if changes {
			s.subscribe(g, m, wanted)
			for _, h := range m.reads {
				if h.shaped && h.stale(topics) {
					s.dropStale(g, h)
				}
			}
			s.rebalance(g, topics)
		}
		s.revoke(g, m)
		*answer = g.membership(c, m, topics, now)
	}}, nil
}

// ackOf is the commit in a member's call.
func ackOf(c broker.MemberCall) broker.Commit {
	return broker.Commit{Group: c.Group, Member: c.Member, Generation: c.Generation, Ack: true, Offsets: c.Ack}
}

// topicsOf are what a member asks for from now on, sorted; m is nil for a new one.
func (g *state) topicsOf(m *member, c broker.MemberCall, room Room) ([]string, error) {
	wanted := slices.Clone(c.Topics)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	switch {
	case m == nil && len(wanted) == 0:
		return nil, &broker.MemberError{Group: c.Group, Member: c.Member, Err: broker.ErrNoTopics}
	case m == nil && g != nil && g.members[c.Member] == nil && len(g.members) >= broker.MaxGroupMembers:
		return nil, fmt.Errorf("%w: a group may have %d", broker.ErrTooManyMembers, broker.MaxGroupMembers)
	case m != nil && (c.Add || wanted == nil):
		wanted = union(m.topics, wanted)
	}
	more := len(wanted)
	if m != nil {
		more -= len(m.topics)
	}
	if len(wanted) > broker.MaxMemberTopics || room.refuses(int64(more)) {
		return nil, fmt.Errorf("%w: one may ask for %d topics, and all together for %d", broker.ErrTooManyMembers,
			broker.MaxMemberTopics, room.All)
	}
	return wanted, nil
}

// stale tells whether one of a member's topics came, went or is another one now.
func (m *member) stale(topics Topics) bool {
	return slices.ContainsFunc(m.reads, func(h *assignment) bool { return h.stale(topics) })
}

// admit finds the member or makes it, and renews its lease. One whose lease had ended begins anew.
func (s *Shard) admit(g *state, c broker.MemberCall, now int64) *member {
	m := g.members[c.Member]
	session := c.SessionMs
	if m != nil && session == 0 {
		session = m.session
	}
	if m != nil && !m.alive(now) {
		s.remove(g, m)
		m = nil
	}
	if m == nil {
		m = s.add(g, c.Group, c.Member)
	}
	m.session = cmp.Or(session, broker.DefaultSessionMs)
	s.renew(m, now)
	return m
}

// subscribe sets a member's topics. They are assigned anew after that.
func (s *Shard) subscribe(g *state, m *member, topics []string) {
	s.subscriptions += len(topics) - len(m.topics)
	for _, h := range m.reads {
		if _, keeps := slices.BinarySearch(topics, h.topic); !keeps {
			g.removeReader(h, m)
		}
	}
	reads := make([]*assignment, 0, len(topics))
	for _, topic := range topics {
		if _, had := slices.BinarySearch(m.topics, topic); !had {
			g.addReader(topic, m)
		}
		reads = append(reads, g.assigned[topic])
	}
	m.topics, m.reads = topics, reads
}

// membership is what a member is told.
func (g *state) membership(c broker.MemberCall, m *member, topics Topics, now int64) broker.Membership {
	a := broker.Membership{Expires: m.expires(now), Seen: m.seen}
	if c.Topic == "" {
		a.Group = broker.Group{Name: c.Group, Start: g.start, Generation: g.generation}
		a.Assignment = m.assignment()
		return a
	}
	a.Group = g.view(c.Group, c.Topic, topics)
	held := g.partitions(c.Topic, m)
	a.Assignment = map[string][]int{c.Topic: held}
	for _, partition := range held {
		a.Since = append(a.Since, g.assigned[c.Topic].slots[partition].since)
	}
	return a
}
