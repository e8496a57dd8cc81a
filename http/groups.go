package http

import (
	"encoding/json"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// groupSummary is a group's line in the list.
type groupSummary struct {
	Group   string   `json:"group"`
	Members int      `json:"members"`
	Topics  []string `json:"topics"`
	Lag     int64    `json:"lag"`
}

// memberRow is a live member on the wire.
type memberRow struct {
	Member     string           `json:"member"`
	Topics     []string         `json:"topics"`
	Assignment map[string][]int `json:"assignment"`
	ExpiresAt  timestamp        `json:"expires_at"`
}

// memberRows shows members, with those of their topics that the caller sees.
func memberRows(c *call, members []broker.Member) []memberRow {
	rows := make([]memberRow, len(members))
	for i, m := range members {
		rows[i] = memberRow{
			Member: m.Name, Topics: only(m.Topics, c.sees), Assignment: c.assignment(m.Assignment),
			ExpiresAt: timestamp(m.Expires),
		}
	}
	return rows
}

// assignment is what a member holds of the topics that the caller sees.
func (c *call) assignment(all map[string][]int) map[string][]int {
	seen := make(map[string][]int, len(all))
	for topic, partitions := range all {
		if c.sees(topic) {
			seen[topic] = partitions
		}
	}
	return seen
}

var groupListParams = request.Params[window]{
	{Name: "limit", Axis: "how much", Set: (*window).setLimit},
	{Name: "after", Axis: "how much", Set: func(w *window, v request.Value) error { return w.setAfter("group", v) }},
}

// listGroups is GET /groups.
func (s *Server) listGroups(c *call, w window) (any, error) {
	groups, err := s.cfg.Broker.Groups(s.life.calls, "")
	if err != nil {
		return nil, err
	}
	groups = only(groups, func(g broker.Group) bool { return c.seesGroup(g.Name) })
	groups, last := cut(w, groups, func(g broker.Group) string { return g.Name })
	list := make([]groupSummary, 0, len(groups))
	figures := s.newFigures(c)
	for _, g := range groups {
		if err := c.left(); err != nil {
			return nil, err
		}
		rows, err := figures.rowsOf(g, allTopics(g))
		if err != nil {
			return nil, err
		}
		line := groupSummary{Group: g.Name, Members: g.Live, Topics: []string{}, Lag: sumLag(rows)}
		for i, r := range rows {
			if i == 0 || r.Topic != rows[i-1].Topic {
				line.Topics = append(line.Topics, r.Topic)
			}
		}
		list = append(list, line)
	}
	return object{{"groups", each(list)}}.cutAt(last), nil
}

// describeGroup is GET /groups/{group}.
func (s *Server) describeGroup(c *call) (any, error) { return s.viewGroup(c) }

// viewGroup shows the group that the path names.
func (s *Server) viewGroup(c *call) (any, error) {
	g, err := s.cfg.Broker.Group(s.life.calls, c.names.group, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.newFigures(c).withTimes().rowsOf(g, allTopics(g))
	if err != nil {
		return nil, err
	}
	return object{
		{"group", g.Name}, {"start", g.Start}, {"generation", g.Generation}, {"members", each(memberRows(c, g.Members))},
		{"offsets", each(rows)}, {"lag", sumLag(rows)},
	}, nil
}

// putGroup is PUT /groups/{group}.
func (s *Server) putGroup(c *call) (any, error) {
	created, err := s.makeGroup(c, groupMembers.Parse)
	if err != nil {
		return nil, err
	}
	if created {
		c.status = fasthttp.StatusCreated
	}
	return s.viewGroup(c)
}

// makeGroup makes the path's group, or finds it.
func (s *Server) makeGroup(c *call, parse func(text []byte, b *groupBody) error) (created bool, err error) {
	var body groupBody
	if _, err := s.readJSON(c, func(text []byte) error { return parse(text, &body) }); err != nil {
		return false, err
	}
	return s.cfg.Broker.PutGroup(s.life.calls, c.names.group, body.start)
}

// groupBody is what the body of a group's creation says.
type groupBody struct{ start string }

var groupMembers = request.Members[groupBody]{
	{Name: "start", Set: func(b *groupBody, raw json.RawMessage) (err error) {
		if b.start, err = request.String("start", raw); err != nil {
			return err
		}
		if b.start != broker.StartEarliest && b.start != broker.StartLatest {
			return fault.OutOfRange.New("Member 'start' must be earliest or latest", fault.Details{"field": "start"})
		}
		return nil
	}},
}

type deleteGroupQuery struct{ force bool }

var deleteGroupParams = request.Params[deleteGroupQuery]{
	{Name: "force", Axis: "how", Set: func(q *deleteGroupQuery, v request.Value) (err error) {
		q.force, err = v.Bool()
		return err
	}},
}

// deleteGroup is DELETE /groups/{group}.
func (s *Server) deleteGroup(c *call, q deleteGroupQuery) (any, error) {
	return noContent{}, s.cfg.Broker.DeleteGroup(s.life.calls, c.names.group, q.force)
}
