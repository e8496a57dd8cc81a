package http

import (
	"encoding/json"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fetch"
	"flashq/http/request"
	"flashq/http/schema"
)

// memberBody is what the body of a join, or a heartbeat, says. Both may be absent in a heartbeat.
var memberMembers = request.Members[broker.MemberCall]{
	{Name: "topics", Type: schema.List(request.TopicName, 1, broker.MaxMemberTopics).Like([]string{"news"}).
		Says("what the member reads; needed to join, kept by a heartbeat without it"),
		Set: func(c *broker.MemberCall, raw json.RawMessage) error {
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
	{Name: "session_ms", Type: sessionType, Set: func(c *broker.MemberCall, raw json.RawMessage) (err error) {
		c.SessionMs, err = request.Int("session_ms", raw, fetch.MinSessionMs, fetch.MaxSessionMs, false)
		return err
	}},
}

// membership is what a member holds, and until when.
type membership struct {
	Generation int32            `json:"generation" doc:"grows with each change of the group" example:"7"`
	Assignment map[string][]int `json:"assignment" doc:"the partitions that it holds, by topic" example:"{\"news\":[0,2]}"`
	ExpiresAt  timestamp        `json:"expires_at" doc:"when its lease ends"`
}

var sessionType = schema.Int(fetch.MinSessionMs, fetch.MaxSessionMs).Like(30000).
	Says("how long the lease lasts; 30000 by default")

// putMember is PUT /groups/{group}/members/{member}: join, and heartbeat.
func (s *Server) putMember(c *call) (membership, error) {
	join := broker.MemberCall{Group: c.names.group, Member: c.names.member, Create: !s.cfg.NoAutoCreate}
	if _, err := readObject(s, c, memberMembers, &join); err != nil {
		return membership{}, err
	}
	for _, topic := range join.Topics {
		if err := c.mayTopic(auth.Read, topic); err != nil {
			return membership{}, err
		}
	}
	m, err := s.cfg.Broker.Join(s.life.calls, join)
	return membership{m.Generation, c.assignment(m.Assignment), timestamp(m.Expires)}, err
}

// deleteMember is DELETE /groups/{group}/members/{member}: leave.
func (s *Server) deleteMember(c *call) (noContent, error) {
	return noContent{}, s.cfg.Broker.Leave(s.life.calls, c.names.group, c.names.member)
}
