package http

import (
	"cmp"
	"errors"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/fetch"
	"flashq/http/openapi"
	"flashq/http/request"
)

// fetching handles requests for records: parse reads what they ask for.
func (s *Server) fetching(params request.Params[fetch.Query], parse func(c *call) (fetch.Query, error)) handler {
	told := told{
		params: params.Typed(), shows: fetch.Answers, heads: []openapi.Param{headLastEventID, headAcceptEncoding},
		faults: []*fault.Kind{
			fault.TopicNotFound, fault.PartitionNotFound, fault.GroupNotFound, fault.InvalidOffset, fault.OutOfRange,
			fault.OriginNotAllowed, fault.Fenced, fault.GroupActive, fault.CorruptData, fault.DiskFull,
		},
	}
	return handler{told: told, answers: request.RecordAnswers, serve: func(c *call) (any, error) {
		q, err := parse(c)
		if err != nil {
			return nil, err
		}
		if q.Group != "" {
			if err := s.mayFetchFor(c, q.Group); err != nil {
				return nil, err
			}
		}
		topic, err := s.topic(c.names.topic)
		if err != nil {
			return nil, cmp.Or(s.meet(&q, err), err)
		}
		c.seen.waited, err = fetch.Serve(c.ctx, &s.fetches, topic, q, c.media, &c.head, c.who.Revoked())
		return nil, err
	}}
}

// mayFetchFor refuses a fetch for a group that the caller has no business with, or the page of another site: an image's
// address could do that.
func (s *Server) mayFetchFor(c *call, group string) error {
	if err := c.mayGroup(auth.Read, group); err != nil {
		return err
	}
	return s.guard.checkOrigin(&c.head)
}

// meet lets a group meet a topic that is not there yet, so that it misses none of its records later.
func (s *Server) meet(q *fetch.Query, missing error) error {
	var topic *broker.TopicError
	if q.Group == "" || q.Head || !errors.As(missing, &topic) || !errors.Is(missing, broker.ErrTopicNotFound) {
		return nil
	}
	_, err := s.cfg.Broker.Meet(s.life.calls, q.Group, topic.Topic)
	if errors.Is(err, broker.ErrGroupNotFound) {
		return nil
	}
	return err
}

// fetchQuery reads the query of GET /topics/{topic}/records.
func fetchQuery(c *call) (fetch.Query, error) {
	return fetch.Parse(c.ctx.URI().QueryString(), c.ctx.IsHead())
}
