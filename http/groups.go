package http

import (
	"errors"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// groupSummary is a group's line in the list.
type groupSummary struct {
	Group   string   `json:"group"`
	Members int      `json:"members"`
	Topics  []string `json:"topics"`
	Lag     int64    `json:"lag"`
}

// groupView is a group on the wire.
type groupView struct {
	Group      string      `json:"group"`
	Start      string      `json:"start"`
	Generation int32       `json:"generation"`
	Members    []memberRow `json:"members"`
	Offsets    []offsetRow `json:"offsets"`
	Lag        int64       `json:"lag"`
}

// memberRow is a live member on the wire.
type memberRow struct {
	Member     string           `json:"member"`
	Topics     []string         `json:"topics"`
	Assignment map[string][]int `json:"assignment"`
	ExpiresAt  timestamp        `json:"expires_at"`
}

func memberRows(members []broker.Member) []memberRow {
	rows := make([]memberRow, len(members))
	for i, m := range members {
		rows[i] = memberRow{Member: m.Name, Topics: m.Topics, Assignment: m.Assignment, ExpiresAt: timestamp(m.Expires)}
	}
	return rows
}

func groupNotFound(name string) error {
	return &apiError{
		status: 404, code: "group_not_found", message: "Group '" + name + "' not found", details: details{"group": name},
	}
}

// aboutGroup names the group that is not there, or has members; other errors stay as they are.
func aboutGroup(err error, name string) error {
	switch {
	case errors.Is(err, broker.ErrGroupNotFound):
		return groupNotFound(name)
	case errors.Is(err, broker.ErrGroupActive):
		return groupActive(name)
	}
	return err
}

// listGroups is GET /groups.
func (s *Server) listGroups(ctx *fasthttp.RequestCtx) error {
	if err := errors.Join(noParams(ctx), wantJSON(ctx)); err != nil {
		return err
	}
	groups, err := s.cfg.Broker.Groups(s.calls, "")
	if err != nil {
		return err
	}
	answer := struct {
		Groups []groupSummary `json:"groups"`
	}{Groups: make([]groupSummary, 0, len(groups))}
	look := s.newLook()
	for _, g := range groups {
		rows, err := look.rowsOf(g, allTopics(g))
		if err != nil {
			return err
		}
		line := groupSummary{Group: g.Name, Members: g.Live, Topics: []string{}, Lag: sumLag(rows)}
		for i, r := range rows {
			if i == 0 || r.Topic != rows[i-1].Topic {
				line.Topics = append(line.Topics, r.Topic)
			}
		}
		answer.Groups = append(answer.Groups, line)
	}
	writeJSON(ctx, fasthttp.StatusOK, answer)
	return nil
}

// describeGroup is GET /groups/{group}.
func (s *Server) describeGroup(ctx *fasthttp.RequestCtx) error {
	name, err := groupName(ctx)
	if err == nil {
		err = errors.Join(noParams(ctx), wantJSON(ctx))
	}
	if err != nil {
		return err
	}
	return s.showGroup(ctx, fasthttp.StatusOK, name)
}

func (s *Server) showGroup(ctx *fasthttp.RequestCtx, status int, name string) error {
	g, err := s.cfg.Broker.Group(s.calls, name, "")
	if err != nil {
		return aboutGroup(err, name)
	}
	rows, err := s.newLook().withTimes().rowsOf(g, allTopics(g))
	if err != nil {
		return err
	}
	writeJSON(ctx, status, groupView{
		Group: g.Name, Start: g.Start, Generation: g.Generation, Members: memberRows(g.Members), Offsets: rows,
		Lag: sumLag(rows),
	})
	return nil
}

// putGroup is PUT /groups/{group}.
func (s *Server) putGroup(ctx *fasthttp.RequestCtx) error {
	name, created, err := s.makeGroup(ctx)
	if err != nil {
		return err
	}
	status := fasthttp.StatusOK
	if created {
		status = fasthttp.StatusCreated
	}
	return s.showGroup(ctx, status, name)
}

// makeGroup makes the path's group, or finds it.
func (s *Server) makeGroup(ctx *fasthttp.RequestCtx) (name string, created bool, err error) {
	if name, err = s.admitGroupChange(ctx); err != nil {
		return "", false, err
	}
	start, err := s.groupStart(ctx)
	if err != nil {
		return "", false, err
	}
	created, err = s.cfg.Broker.PutGroup(s.calls, name, start)
	return name, created, err
}

// admitGroupChange judges what stands before the body of a change of a group.
func (s *Server) admitGroupChange(ctx *fasthttp.RequestCtx) (name string, err error) {
	name, err = groupName(ctx)
	switch {
	case err != nil:
		return "", err
	case s.draining():
		return "", broker.ErrDraining
	}
	return name, errors.Join(noParams(ctx), wantJSON(ctx))
}

// groupStart reads the body of a group's creation; "" when it says nothing.
func (s *Server) groupStart(ctx *fasthttp.RequestCtx) (start string, err error) {
	err = s.jsonBody(ctx, func(body []byte) (err error) {
		start, err = parseGroup(body)
		return err
	})
	return start, err
}

// parseGroup reads {"start":"earliest"}; other members mean nothing.
func parseGroup(body []byte) (start string, err error) {
	fields, err := splitObject(body)
	if err != nil {
		return "", err
	}
	raw, ok := fields["start"]
	if !ok {
		return "", nil
	}
	if start, err = stringField("start", raw); err != nil {
		return "", err
	}
	if start != broker.StartEarliest && start != broker.StartLatest {
		return "", &apiError{
			status: 400, code: "validation_error", message: "Member 'start' must be earliest or latest",
			details: details{"field": "start"},
		}
	}
	return start, nil
}

// deleteGroup is DELETE /groups/{group}.
func (s *Server) deleteGroup(ctx *fasthttp.RequestCtx) error {
	name, err := groupName(ctx)
	if err != nil {
		return err
	}
	force := false
	err = eachParam(ctx, []string{"force"}, func(param string, value []byte) (err error) {
		force, err = boolParam(param, value)
		return err
	})
	if err != nil {
		return err
	}
	return s.endGroup(ctx, name, force)
}

func (s *Server) endGroup(ctx *fasthttp.RequestCtx, name string, force bool) error {
	if s.draining() {
		return broker.ErrDraining
	}
	if err := s.cfg.Broker.DeleteGroup(s.calls, name, force); err != nil {
		return aboutGroup(err, name)
	}
	ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
