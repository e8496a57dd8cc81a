package http

import (
	"encoding/json"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fetch"
	"flashq/http/request"
)

// memberBody is what the body of a join, or a heartbeat, says. Both may be absent in a heartbeat.
var memberMembers = request.Members[broker.MemberCall]{
	{Name: "topics", Set: func(c *broker.MemberCall, raw json.RawMessage) error {
		list, err := request.List("topics", raw, broker.MaxMemberTopics, "A member asks for 1 to %d topics")
		if err != nil {
			return err
		}
		for _, text := range list {
			name, err := request.NameOf("topic", "topics", text)
			if err != nil {
				return err
			}
			c.Topics = append(c.Topics, name)
		}
		return nil
	}},
	{Name: "session_ms", Set: func(c *broker.MemberCall, raw json.RawMessage) (err error) {
		c.SessionMs, err = request.Int("session_ms", raw, fetch.MinSessionMs, fetch.MaxSessionMs, false)
		return err
	}},
}

// putMember is PUT /groups/{group}/members/{member}: join, and heartbeat.
func (s *Server) putMember(c *call) (any, error) {
	join := broker.MemberCall{Group: c.names.group, Member: c.names.member, Create: !s.cfg.NoAutoCreate}
	if _, err := readObject(s, c, memberMembers, &join); err != nil {
		return nil, err
	}
	for _, topic := range join.Topics {
		if err := c.mayTopic(auth.Read, topic); err != nil {
			return nil, err
		}
	}
	m, err := s.cfg.Broker.Join(s.life.calls, join)
	if err != nil {
		return nil, err
	}
	return struct {
		Generation int32            `json:"generation"`
		Assignment map[string][]int `json:"assignment"`
		ExpiresAt  timestamp        `json:"expires_at"`
	}{m.Generation, c.assignment(m.Assignment), timestamp(m.Expires)}, nil
}

// deleteMember is DELETE /groups/{group}/members/{member}: leave.
func (s *Server) deleteMember(c *call) (any, error) {
	return noContent{}, s.cfg.Broker.Leave(s.life.calls, c.names.group, c.names.member)
}
