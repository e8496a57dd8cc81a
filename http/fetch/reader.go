package fetch

import (
	"errors"
	"fmt"
	"slices"

	"flashq/broker"
	"flashq/http/request"
)

// reader is who asks: anyone, a group, or a member of one.
type reader interface {
	// begin does what comes before reading, as an acknowledgement, and tells what is read.
	begin() (plan, error)
	// again tells what is read now that something has changed in the group; was is what was read until then.
	again(was *plan) (plan, error)
	// appendTo writes what a JSON answer says of the reader.
	appendTo(t []byte, p *plan, cursors []cursor) []byte
}

// plan is what is read, for as long as nothing changes in the reader's group.
type plan struct {
	topic      broker.Topic
	partitions []int // in the order in which they are read; nil: all
	start      Start

	// of a group
	generation int64          // a member's, request.NoGeneration else
	committed  []request.Mark // by partition
	truncated  []request.Mark // by how much each commit was moved back
	held       []int          // by a member, whatever of it is read
	since      []request.Mark // the generation from which on it holds each of them
	restAtEnd  bool           // where it has no commit it begins at the end, see BeginsAtEnd
	seen       uint64         // what is known of it, see broker.GroupWatch
}

// asked is the plan of one who reads just what the query says.
func (a *ask) asked() plan {
	return plan{
		topic: a.topic, partitions: a.query.Partitions, start: a.query.Start, generation: request.NoGeneration,
	}
}

// committedPlan takes what a group has committed for the start, unless one is given: the broker keeps no hidden read
// position, so every fetch begins there.
func (a *ask) committedPlan(g *broker.Group) plan {
	p := a.asked()
	p.restAtEnd = BeginsAtEnd(g, a.topic.Name())
	for _, o := range g.Offsets {
		p.committed = append(p.committed, request.Mark{Partition: o.Partition, Offset: o.Offset})
	}
	if a.query.Start.By != "" {
		return p
	}
	p.start = Start{Kind: FromPosition, Marks: p.committed, RestAtEnd: p.restAtEnd}
	for _, o := range g.Offsets {
		p.truncated = append(p.truncated, request.Mark{Partition: o.Partition, Offset: o.Truncated})
	}
	return p
}

// keeps tells whether the reader holds a partition without a break since a generation: anyone does.
func (p *plan) keeps(partition int, generation int64) bool {
	if p.generation == request.NoGeneration {
		return true
	}
	since, holds := request.FindMark(p.since, partition)
	return holds && since <= generation && generation <= p.generation
}

// nextCommitted is what the group has committed in a partition, or else where it begins.
func (p *plan) nextCommitted(c *cursor) int64 {
	if offset, ok := request.FindMark(p.committed, c.partition); ok {
		return offset
	}
	if p.restAtEnd {
		return c.high
	}
	return c.earliest
}

// anyone reads without a group.
type anyone struct{ *ask }

func (a *anyone) begin() (plan, error)                          { return a.asked(), nil }
func (a *anyone) again(*plan) (plan, error)                     { return a.asked(), nil }
func (a *anyone) appendTo(t []byte, _ *plan, _ []cursor) []byte { return t }

// mayCreate tells whether a group is made that is not there.
func (a *ask) mayCreate() bool { return a.env.AutoCreate && !a.query.OfAlias }

// BeginsAtEnd tells where a group begins in those partitions of a topic that it has no commit for: at the end, else at
// the beginning.
func BeginsAtEnd(g *broker.Group, topic string) bool {
	_, met := slices.BinarySearch(g.Met, topic)
	return g.Start == broker.StartLatest && !met
}

// findGroup asks for the group, with what it has committed in one topic or, with a HEAD, in all (""). One that is not
// there, but may be made, is as it will be.
func (a *ask) findGroup(topic string, mayBeMade bool) (g broker.Group, found bool, err error) {
	find := a.env.Broker.Meet
	if a.query.Head {
		find = a.env.Broker.Group
	}
	g, err = find(a.env.Calls, a.query.Group, topic)
	if mayBeMade && errors.Is(err, broker.ErrGroupNotFound) {
		return broker.Group{Start: broker.StartEarliest}, false, nil
	}
	if err != nil {
		return g, false, fmt.Errorf("look up the group: %w", err)
	}
	return g, true, nil
}

// admitAck refuses an ack before anything is committed.
func (a *ask) admitAck() error {
	if a.env.draining() {
		return broker.ErrDraining
	}
	if a.query.Timeout > 0 && !a.env.Waiters.HasRoom(1) {
		return overloaded("Too many fetches are waiting")
	}
	return nil
}

// acked is what the ack says, in an engine's words.
func (a *ask) acked() (offsets []broker.CommitOffset) {
	for _, m := range a.query.Ack.Marks {
		offsets = append(offsets, broker.CommitOffset{Topic: a.topic.Name(), Partition: m.Partition, Offset: m.Offset})
	}
	return offsets
}
