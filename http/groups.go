package http

import (
	"encoding/json"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
	"flashq/http/schema"
)

// groupSummary is a group's line in the list.
type groupSummary struct {
	Group   string   `json:"group" doc:"its name" example:"billing"`
	Members int      `json:"members" doc:"that live" example:"2"`
	Topics  []string `json:"topics" doc:"what it committed to, and what its members ask for" example:"[\"news\"]"`
	Lag     int64    `json:"lag" doc:"records that it has left" example:"12"`
}

// groupList is the groups, by name.
type groupList struct {
	Groups list[groupSummary] `json:"groups" doc:"sorted by name"`
	cutAt
}

// groupView is a group with all that it stands for.
type groupView struct {
	Group      string          `json:"group" doc:"its name" example:"billing"`
	Start      string          `json:"start" enum:"earliest,latest" doc:"where partitions without a commit begin"`
	Generation int32           `json:"generation" doc:"grows with each change of its members or their topics" example:"7"`
	Members    list[memberRow] `json:"members" doc:"that live"`
	Offsets    list[offsetRow] `json:"offsets" doc:"where it stands in each partition"`
	Lag        int64           `json:"lag" doc:"records that it has left" example:"5"`
}

// SchemaName implements schema.Named.
func (groupView) SchemaName() string { return "Group" }

// memberRow is a live member on the wire.
type memberRow struct {
	Member     string           `json:"member" doc:"its name" example:"anna"`
	Topics     []string         `json:"topics" doc:"what it asks for" example:"[\"news\"]"`
	Assignment map[string][]int `json:"assignment" doc:"the partitions that it holds, by topic" example:"{\"news\":[0,2]}"`
	ExpiresAt  timestamp        `json:"expires_at" doc:"when its lease ends"`
}

// SchemaName implements schema.Named.
func (memberRow) SchemaName() string { return "Member" }

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
	{Name: "limit", Axis: "how much", Type: limitType,
		Set: (*window).setLimit},
	{Name: "after", Axis: "how much", EmptyIsNone: true, Type: request.GroupName.Says("go on after this group"),
		Set: func(w *window, v request.Value) error { return w.setAfter("group", v) }},
}

// listGroups is GET /groups.
func (s *Server) listGroups(c *call, w window) (answer groupList, err error) {
	groups, err := s.cfg.Broker.Groups(s.life.calls, "")
	if err != nil {
		return answer, err
	}
	groups = only(groups, func(g broker.Group) bool { return c.seesGroup(g.Name) })
	groups, answer.Next = cut(w, groups, func(g broker.Group) string { return g.Name })
	figures := s.newFigures(c)
	for _, g := range groups {
		if err := c.left(); err != nil {
			return answer, err
		}
		rows, err := figures.rowsOf(g, allTopics(g))
		if err != nil {
			return answer, err
		}
		line := groupSummary{Group: g.Name, Members: g.Live, Topics: []string{}, Lag: sumLag(rows)}
		for i, r := range rows {
			if i == 0 || r.Topic != rows[i-1].Topic {
				line.Topics = append(line.Topics, r.Topic)
			}
		}
		answer.Groups = append(answer.Groups, line)
	}
	return answer, nil
}

// describeGroup is GET /groups/{group}.
func (s *Server) describeGroup(c *call) (groupView, error) { return s.viewGroup(c) }

// viewGroup shows the group that the path names.
func (s *Server) viewGroup(c *call) (view groupView, err error) {
	g, err := s.cfg.Broker.Group(s.life.calls, c.names.group, "")
	if err != nil {
		return view, err
	}
	rows, err := s.newFigures(c).withTimes().rowsOf(g, allTopics(g))
	return groupView{
		Group: g.Name, Start: g.Start, Generation: g.Generation, Members: memberRows(c, g.Members), Offsets: rows,
		Lag: sumLag(rows),
	}, err
}

// putGroup is PUT /groups/{group}.
func (s *Server) putGroup(c *call) (groupView, error) {
	created, err := s.makeGroup(c, groupMembers.Parse)
	if err != nil {
		return groupView{}, err
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
	{Name: "start", Type: schema.OneOf(broker.StartEarliest, broker.StartLatest).Else(broker.StartEarliest).
		Says("where partitions without a commit begin"),
		Set: func(b *groupBody, raw json.RawMessage) (err error) {
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
	{Name: "force", Axis: "how", Type: schema.Bool().Else(false).Like(false).
		Says("also while members live"),
		Set: func(q *deleteGroupQuery, v request.Value) (err error) {
			q.force, err = v.Bool()
			return err
		}},
}

// deleteGroup is DELETE /groups/{group}.
func (s *Server) deleteGroup(c *call, q deleteGroupQuery) (noContent, error) {
	return noContent{}, s.cfg.Broker.DeleteGroup(s.life.calls, c.names.group, q.force)
}
