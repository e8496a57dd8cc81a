package http

import (
	"errors"

	"flashq/broker"
)

// takeUpGroup commits what an ack says and finds where the group goes on, unless a start is given: the broker keeps no
// hidden read position, so every fetch begins at what is committed.
func (f *fetching) takeUpGroup() error {
	create := !f.s.cfg.NoAutoCreate && !f.alias
	if err := f.ack(create); err != nil {
		return err
	}
	g, err := f.s.cfg.Broker.Group(f.s.calls, f.query.group, f.topic.Name())
	if errors.Is(err, broker.ErrGroupNotFound) && create {
		g, err = broker.Group{Start: broker.StartEarliest}, nil
	}
	if err != nil {
		return aboutGroup(err, f.query.group)
	}
	for _, o := range g.Offsets {
		f.committed = append(f.committed, mark{o.Partition, o.Offset})
	}
	f.latest = g.Start == broker.StartLatest
	if f.query.selector != "" {
		return nil
	}
	f.query.start, f.query.marks = startPosition, f.committed
	f.query.unnamedLatest = f.latest
	for _, o := range g.Offsets {
		f.truncated = append(f.truncated, mark{o.Partition, o.Truncated})
	}
	return nil
}

// ack commits what an earlier answer delivered.
func (f *fetching) ack(create bool) error {
	if f.query.ack == nil {
		return nil
	}
	if f.s.draining() {
		return broker.ErrDraining
	}
	if f.query.timeout > 0 && !f.s.waiters.hasRoom(1) {
		return f.s.overloaded("Too many fetches are waiting") // before anything is committed
	}
	if f.query.ackGeneration != noGeneration {
		return &apiError{
			status: 409, code: "fenced", message: "This position is a member's; nothing was committed",
			details: details{"generation": f.query.ackGeneration},
		}
	}
	c := broker.Commit{Group: f.query.group, Create: create, Ack: true}
	partitions := f.topic.Config().Partitions
	for _, m := range f.query.ack {
		if m.partition >= partitions {
			return partitionNotFound(f.topic.Name(), m.partition, partitions)
		}
		c.Offsets = append(c.Offsets, broker.CommitOffset{Topic: f.topic.Name(), Partition: m.partition, Offset: m.offset})
	}
	if _, err := f.s.cfg.Broker.Commit(f.s.calls, c); err != nil {
		return commitFault(err, c)
	}
	return nil
}

// appendGroup writes the group of a JSON answer: what is committed in the partitions that were read.
func (f *fetching) appendGroup(t []byte) []byte {
	t = append(t, `,"group":{"id":"`...)
	t = append(t, f.query.group...) // names need no escape
	t = append(t, `","committed":"`...)
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
