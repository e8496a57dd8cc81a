package fetch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// member reads what it holds as a member of a group.
type member struct {
	*ask

	assigned []int // the partitions of the topic that it holds
}

// begin acknowledges, joins or stays, and learns what the member holds, in one request.
func (m *member) begin() (plan, error) {
	if m.query.Head {
		return m.look()
	}
	if err := m.admitAck(); err != nil {
		return plan{}, err
	}
	return m.join(broker.MemberCall{
		Group: m.query.Group, Member: m.query.Member, Create: m.mayCreate(), Topics: []string{m.topic.Name()}, Add: true,
		SessionMs: int64(m.query.SessionMs), Ack: m.acked(), Generation: m.query.Ack.Generation, Topic: m.topic.Name(),
		Needs: m.query.Partitions,
	})
}

// again is the call of a member that waits, in which it gives up what it is not to have any more.
func (m *member) again(was *plan) (plan, error) {
	topic, err := m.env.Broker.Topic(m.env.Calls, m.topic.Name()) // nothing tells a member without partitions that it went
	if err != nil {
		return plan{}, fmt.Errorf("look up the topic again: %w", err)
	}
	if len(was.partitions) == 0 {
		m.topic = topic // maybe another one of the name
	}
	return m.join(broker.MemberCall{
		Group: m.query.Group, Member: m.query.Member, Add: true, Held: true, Topic: m.topic.Name(),
	})
}

func (m *member) join(c broker.MemberCall) (plan, error) {
	is, err := m.env.Broker.Join(m.env.Calls, c)
	var fenced *broker.FencedError
	if errors.As(err, &fenced) && fenced.Index < 0 {
		return plan{}, m.notHeld(fenced.Partition, int64(fenced.Current))
	}
	if err != nil {
		return plan{}, fmt.Errorf("join: %w", err)
	}
	p := m.holding(&is.Group, is.Assignment)
	p.seen, p.held = is.Seen, m.assigned
	for i, partition := range m.assigned {
		p.since = append(p.since, request.Mark{Partition: partition, Offset: int64(is.Since[i])})
	}
	if len(m.query.Ack.Marks) > 0 { // Needs were judged with it: what has committed is not refused any more
		return p, nil
	}
	return p, m.checkHeld(p.generation)
}

// look is a member's HEAD: it neither joins nor stays.
func (m *member) look() (plan, error) {
	g, _, err := m.findGroup("", m.mayCreate()) // members are told with all topics alone
	if err != nil {
		return plan{}, err
	}
	var assignment map[string][]int
	for _, one := range g.Members {
		if one.Name == m.query.Member {
			assignment = one.Assignment
		}
	}
	g.Offsets = slices.DeleteFunc(g.Offsets, func(o broker.GroupOffset) bool { return o.Topic != m.topic.Name() })
	p := m.holding(&g, assignment)
	if assignment == nil { // a GET would join first
		return p, nil
	}
	return p, m.checkHeld(p.generation)
}

// checkHeld refuses to read a partition that is named and not held.
func (m *member) checkHeld(generation int64) error {
	for _, partition := range m.query.Partitions {
		if slices.Contains(m.assigned, partition) {
			continue
		}
		return m.notHeld(partition, generation)
	}
	return nil
}

func (m *member) notHeld(partition int, generation int64) error {
	return fault.Fenced.New(
		fmt.Sprintf("Member '%s' does not hold partition %d of topic '%s'; nothing was committed. "+
			"Fetch without 'partition' to read what it holds", m.query.Member, partition, m.topic.Name()),
		fault.Details{
			"group": m.query.Group, "member": m.query.Member, "topic": m.topic.Name(), "partition": partition,
			"generation": generation,
		})
}

// holding is the plan of a member that holds so much: of the partitions that are asked for, those.
func (m *member) holding(g *broker.Group, assignment map[string][]int) plan {
	p := m.committedPlan(g)
	p.generation = int64(g.Generation)
	m.assigned = assignment[m.topic.Name()]
	p.partitions = []int{} // nil would be all
	asked := m.query.Partitions
	if asked == nil {
		asked = m.assigned
	}
	for _, partition := range asked {
		if slices.Contains(m.assigned, partition) {
			p.partitions = append(p.partitions, partition)
		}
	}
	return p
}

func (m *member) appendTo(t []byte, p *plan, cursors []cursor) []byte {
	t = append(t, `,"group":{"id":"`...)
	t = append(t, m.query.Group...) // names need no escape
	t = append(t, `","member":"`...)
	t = append(t, m.query.Member...)
	t = append(t, `","generation":`...)
	t = strconv.AppendInt(t, p.generation, 10)
	t = appendHeld(t, m.assigned)
	return append(appendCommitted(t, p, cursors), '}')
}

// appendHeld writes which partitions a member holds.
func appendHeld(t []byte, partitions []int) []byte {
	t = append(t, `,"assignment":[`...)
	for i, partition := range partitions {
		if i > 0 {
			t = append(t, ',')
		}
		t = strconv.AppendInt(t, int64(partition), 10)
	}
	return append(t, ']')
}
