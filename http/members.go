package http

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// What a lease may be, in milliseconds.
const (
	minSessionMs = 1000
	maxSessionMs = 300_000
)

// maxMemberTopics bounds what one member may ask for.
const maxMemberTopics = 100

// putMember is PUT /groups/{group}/members/{member}: join, and heartbeat.
func (s *Server) putMember(ctx *fasthttp.RequestCtx) error {
	group, member, err := s.admitMemberChange(ctx)
	if err != nil {
		return err
	}
	c := broker.MemberCall{Group: group, Member: member, Create: !s.cfg.NoAutoCreate}
	if err := s.jsonBody(ctx, func(body []byte) error { return parseMember(body, &c) }); err != nil {
		return err
	}
	m, err := s.cfg.Broker.Join(s.calls, c)
	if err != nil {
		return aboutMember(err, group, member)
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		Generation int32            `json:"generation"`
		Assignment map[string][]int `json:"assignment"`
		ExpiresAt  timestamp        `json:"expires_at"`
	}{m.Generation, m.Assignment, timestamp(m.Expires)})
	return nil
}

// admitMemberChange judges what stands before the body of a change of a member.
func (s *Server) admitMemberChange(ctx *fasthttp.RequestCtx) (group, member string, err error) {
	if group, err = s.admitGroupChange(ctx); err != nil {
		return "", "", err
	}
	member, err = memberName(ctx)
	return group, member, err
}

// parseMember reads {"topics":["news"],"session_ms":30000}. Both may be absent in a heartbeat.
func parseMember(body []byte, c *broker.MemberCall) error {
	fields, err := splitObject(body)
	if err != nil {
		return err
	}
	if raw, ok := fields["session_ms"]; ok {
		if c.SessionMs, err = intField("session_ms", raw, minSessionMs, maxSessionMs, false); err != nil {
			return err
		}
	}
	raw, ok := fields["topics"]
	if !ok {
		return nil
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return wrongType("topics", "Member 'topics' must be a list of names")
	}
	if len(list) == 0 || len(list) > maxMemberTopics {
		return &apiError{
			status: 400, code: "validation_error",
			message: fmt.Sprintf("A member asks for 1 to %d topics, not %d", maxMemberTopics, len(list)),
			details: details{"field": "topics", "max_size": maxMemberTopics, "actual_size": len(list)},
		}
	}
	for _, text := range list {
		name, err := stringField("topics", text)
		if err == nil {
			err = checkName("topic", name, maxTopicName)
		}
		if err != nil {
			return err
		}
		c.Topics = append(c.Topics, name)
	}
	return nil
}

// deleteMember is DELETE /groups/{group}/members/{member}: leave.
func (s *Server) deleteMember(ctx *fasthttp.RequestCtx) error {
	group, member, err := s.admitMemberChange(ctx)
	if err != nil {
		return err
	}
	if err := s.cfg.Broker.Leave(s.calls, group, member); err != nil {
		return aboutMember(err, group, member)
	}
	ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// aboutMember puts what an engine says of a member into the contract's words.
func aboutMember(err error, group, member string) error {
	var fenced *broker.FencedError
	switch {
	case errors.As(err, &fenced):
		return fencedError(fenced, group, member)
	case errors.Is(err, broker.ErrMemberNotFound):
		return &apiError{
			status: 404, code: "member_not_found", message: "Group '" + group + "' has no member '" + member + "'",
			details: details{"group": group, "member": member},
		}
	case errors.Is(err, broker.ErrNoTopics):
		return wrongType("topics", "Member 'topics' is missing: '"+member+"' is not a member yet, so it has none to keep")
	}
	return aboutGroup(err, group)
}

// fencedError tells a member that it does not hold, or not any more, what it speaks of.
func fencedError(e *broker.FencedError, group, member string) error {
	return &apiError{
		status: 409, code: "fenced",
		message: fmt.Sprintf("Member '%s' does not hold partition %d of topic '%s' without a break since generation %d; "+
			"nothing was committed. Fetch without ack to join again", member, e.Partition, e.Topic, e.Generation),
		details: details{
			"group": group, "member": member, "topic": e.Topic, "partition": e.Partition, "generation": e.Generation,
			"current_generation": e.Current,
		},
	}
}

// groupActive refuses what must not be done beside live members.
func groupActive(group string) error {
	return &apiError{
		status: 409, code: "group_active", details: details{"group": group},
		message: "Group '" + group + "' has live members: name a member, or wait until they have left",
	}
}
