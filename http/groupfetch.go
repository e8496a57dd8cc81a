package http

import (
	"errors"
	"slices"
	"strconv"

	"flashq/broker"
)

// takeUpGroup commits what an ack says and finds where the group goes on, unless a start is given: the broker keeps no
// hidden read position, so every fetch begins at what is committed.
func (f *fetching) takeUpGroup(head bool) error {
	if f.query.member != "" {
		if head {
			return f.lookAtMember()
		}
		return f.joinGroup()
	}
	if err := f.ack(); err != nil {
		return err
	}
	return f.readGroup()
}

// create tells whether a group is made that is not there.
func (f *fetching) create() bool { return !f.s.cfg.NoAutoCreate && !f.alias }

// findGroup asks for the group, with what it has committed in one topic or in all (""). One that is not there, but may
// be made, is as it will be.
func (f *fetching) findGroup(topic string, mayBeMade bool) (g broker.Group, found bool, err error) {
	g, err = f.s.cfg.Broker.Group(f.s.calls, f.query.group, topic)
	if mayBeMade && errors.Is(err, broker.ErrGroupNotFound) {
		return broker.Group{Start: broker.StartEarliest}, false, nil
	}
	return g, err == nil, aboutGroup(err, f.query.group)
}

// readGroup finds where a group is for one who reads without being a member.
func (f *fetching) readGroup() error {
	g, found, err := f.findGroup(f.topic.Name(), f.create() && !f.known)
	f.known = found
	if err != nil {
		return err
	}
	if g.Live > 0 && f.query.selector == "" {
		return groupActive(f.query.group) // it would deliver twice
	}
	f.seen = g.Seen
	f.beginAt(g)
	return nil
}

// beginAt takes what the group has committed for the start, unless one is given.
func (f *fetching) beginAt(g broker.Group) {
	f.committed, f.truncated = nil, nil
	for _, o := range g.Offsets {
		f.committed = append(f.committed, mark{o.Partition, o.Offset})
	}
	f.latest = g.Start == broker.StartLatest
	if f.query.selector != "" {
		return
	}
	f.query.start, f.query.marks = startPosition, f.committed
	f.query.unnamedLatest = f.latest
	for _, o := range g.Offsets {
		f.truncated = append(f.truncated, mark{o.Partition, o.Truncated})
	}
}

// admitAck refuses an ack before anything is committed.
func (f *fetching) admitAck() error {
	if f.s.draining() {
		return broker.ErrDraining
	}
	if f.query.timeout > 0 && !f.s.waiters.hasRoom(1) {
		return f.s.overloaded("Too many fetches are waiting")
	}
	return nil
}

// acked is what the ack says, in an engine's words.
func (f *fetching) acked() (offsets []broker.CommitOffset, err error) {
	partitions := f.topic.Config().Partitions
	for _, m := range f.query.ack {
		if m.partition >= partitions && f.query.member == "" { // else it is fenced: nobody holds that
			return nil, partitionNotFound(f.topic.Name(), m.partition, partitions)
		}
		offsets = append(offsets, broker.CommitOffset{Topic: f.topic.Name(), Partition: m.partition, Offset: m.offset})
	}
	return offsets, nil
}

// ack commits what an earlier answer delivered to one who is no member.
func (f *fetching) ack() error {
	if f.query.ack == nil {
		return nil
	}
	if err := f.admitAck(); err != nil {
		return err
	}
	if f.query.ackGeneration != noGeneration {
		return f.refuseMembersAck()
	}
	c := broker.Commit{Group: f.query.group, Create: f.create(), Ack: true}
	var err error
	if c.Offsets, err = f.acked(); err != nil {
		return err
	}
	if _, err := f.s.cfg.Broker.Commit(f.s.calls, c); err != nil {
		return commitFault(err, c)
	}
	return nil
}

// refuseMembersAck answers a member's position that comes without the member.
func (f *fetching) refuseMembersAck() error {
	g, err := f.s.cfg.Broker.Group(f.s.calls, f.query.group, f.topic.Name())
	if err == nil && g.Live > 0 {
		return groupActive(f.query.group)
	}
	return &apiError{
		status: 409, code: "fenced", message: "This position is a member's; nothing was committed",
		details: details{"group": f.query.group, "generation": f.query.ackGeneration},
	}
}

// joinGroup is a member's fetch: it acknowledges, joins or stays, and learns what it holds, in one request.
func (f *fetching) joinGroup() error {
	if err := f.admitAck(); err != nil {
		return err
	}
	c := broker.MemberCall{
		Group: f.query.group, Member: f.query.member, Create: f.create(), Topics: []string{f.topic.Name()}, Add: true,
		SessionMs: int64(f.query.sessionMs), Generation: f.query.ackGeneration, Topic: f.topic.Name(),
	}
	var err error
	if c.Ack, err = f.acked(); err != nil {
		return err
	}
	return f.join(c)
}

func (f *fetching) join(c broker.MemberCall) error {
	m, err := f.s.cfg.Broker.Join(f.s.calls, c)
	if err != nil {
		return commitFault(err, broker.Commit{Group: c.Group, Member: c.Member})
	}
	f.generation, f.assigned, f.seen = int64(m.Generation), m.Assignment[f.topic.Name()], m.Seen
	f.beginAt(m.Group)
	return nil
}

// lookAtMember is a member's HEAD: it neither joins nor stays.
func (f *fetching) lookAtMember() error {
	g, _, err := f.findGroup("", f.create()) // members are told with all topics alone
	if err != nil {
		return err
	}
	f.generation = int64(g.Generation)
	for _, m := range g.Members {
		if m.Name == f.query.member {
			f.assigned = m.Assignment[f.topic.Name()]
		}
	}
	g.Offsets = slices.DeleteFunc(g.Offsets, func(o broker.GroupOffset) bool { return o.Topic != f.topic.Name() })
	f.beginAt(g)
	return nil
}

// appendGroup writes the group of a JSON answer: what is committed in the partitions that were read.
func (f *fetching) appendGroup(t []byte) []byte {
	t = append(t, `,"group":{"id":"`...)
	t = append(t, f.query.group...) // names need no escape
	if f.query.member != "" {
		t = append(t, `","member":"`...)
		t = append(t, f.query.member...)
		t = append(t, `","generation":`...)
		t = strconv.AppendInt(t, f.generation, 10)
		t = append(t, `,"assignment":[`...)
		for i, p := range f.assigned {
			if i > 0 {
				t = append(t, ',')
			}
			t = strconv.AppendInt(t, int64(p), 10)
		}
		t = append(t, ']')
	} else {
		t = append(t, '"')
	}
	t = append(t, `,"committed":"`...)
	start := len(t)
	for i := range f.cursors {
		if offset, ok := findMark(f.committed, f.cursors[i].partition); ok {
			t = appendMark(t, start, f.cursors[i].partition, offset)
		}
	}
	return append(t, '"', '}')
}

// nextOffset is where the one partition that was read goes on; by the reference's routes, what is committed in it, or
// else where the group begins.
func (f *fetching) nextOffset() int64 {
	c := &f.cursors[0]
	if !f.alias {
		return c.next
	}
	if offset, ok := findMark(f.committed, c.partition); ok {
		return offset
	}
	if f.latest {
		return c.high
	}
	return c.earliest
}
