package fetch

import (
	"fmt"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// group reads for a group without being a member of it.
type group struct {
	*ask

	known bool // the group is stored
}

func (g *group) begin() (plan, error) {
	if g.query.Ack.Marks != nil {
		if err := g.commit(); err != nil {
			return plan{}, err
		}
	}
	return g.read()
}

func (g *group) again(*plan) (plan, error) { return g.read() }

// read finds where the group is.
func (g *group) read() (plan, error) {
	is, found, err := g.findGroup(g.topic.Name(), g.mayCreate() && !g.known)
	g.known = found
	if err != nil {
		return plan{}, err
	}
	if is.Live > 0 && g.query.Start.By == "" { // it would deliver twice
		return plan{}, g.active()
	}
	p := g.committedPlan(&is)
	p.seen = is.Seen
	return p, nil
}

func (g *group) active() error {
	return &broker.GroupError{Group: g.query.Group, Err: broker.ErrGroupActive}
}

// commit acknowledges what an earlier answer delivered.
func (g *group) commit() error {
	if err := g.admitAck(); err != nil {
		return err
	}
	if g.query.Ack.Generation != request.NoGeneration {
		return g.refuseMembersAck()
	}
	for _, m := range g.query.Ack.Marks {
		if err := g.checkPartition(m.Partition); err != nil {
			return err
		}
	}
	c := broker.Commit{Group: g.query.Group, Create: g.mayCreate(), Ack: true, Offsets: g.acked()}
	if _, err := g.env.Broker.Commit(g.env.Calls, c); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// refuseMembersAck answers a member's position that comes without the member.
func (g *group) refuseMembersAck() error {
	is, err := g.env.Broker.Group(g.env.Calls, g.query.Group, g.topic.Name())
	if err == nil && is.Live > 0 {
		return g.active()
	}
	return fault.Fenced.New("This position is a member's; nothing was committed",
		fault.Details{"group": g.query.Group, "generation": g.query.Ack.Generation})
}

func (g *group) appendTo(t []byte, p *plan, cursors []cursor) []byte {
	t = append(t, `,"group":{"id":"`...)
	t = append(t, g.query.Group...) // names need no escape
	t = append(t, '"')
	return append(appendCommitted(t, p, cursors), '}')
}

// appendCommitted writes what is committed in the partitions that were read.
func appendCommitted(t []byte, p *plan, cursors []cursor) []byte {
	t = append(t, `,"committed":"`...)
	start := len(t)
	for i := range cursors {
		if offset, ok := request.FindMark(p.committed, cursors[i].partition); ok {
			t = request.AppendMark(t, start, cursors[i].partition, offset)
		}
	}
	return append(t, '"')
}
