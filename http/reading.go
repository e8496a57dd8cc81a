package http

import (
	"flashq/http/fetch"
	"flashq/http/request"
)

// fetching handles requests for records: parse reads what they ask for.
func (s *Server) fetching(params request.Params[fetch.Query], parse func(c *call) (fetch.Query, error)) handler {
	return handler{params: params.Names(), serve: func(c *call) (any, error) {
		q, err := parse(c)
		if err != nil {
			return nil, err
		}
		if q.Group != "" { // an image's address could do that
			if err := checkOrigin(c); err != nil {
				return nil, err
			}
		}
		topic, err := s.topic(c.names.topic)
		if err != nil {
			return nil, err
		}
		return nil, fetch.Serve(c.ctx, &s.fetches, topic, q, c.media, &c.head)
	}}
}

// fetchQuery reads the query of GET /topics/{topic}/records.
func fetchQuery(c *call) (fetch.Query, error) {
	return fetch.Parse(c.ctx.URI().QueryString(), c.ctx.IsHead())
}
