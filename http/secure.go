package http

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
)

// notEncrypted is the answer, head and body, to a plain request on a connection that should speak TLS.
func (s *Server) notEncrypted() []byte {
	return s.unasked(fault.InvalidRequest.New("This port speaks HTTPS and the request is plain HTTP; use https://", nil))
}

// tooMany is the answer on a connection of an address that has as many as it may.
func (s *Server) tooMany() []byte {
	most := s.cfg.MaxConnectionsPerAddress
	return s.unasked(fault.Overloaded.New("This address has "+strconv.Itoa(most)+" connections open, as many as it may "+
		"have (--max-connections-per-address); use one again, or close one", fault.Details{"limit": most}))
}

// unasked is an answer, head and body, that ends a connection of which no request was read: it is none of any route's.
func (s *Server) unasked(e *fault.Error) []byte {
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, debugLog{s.cfg.Logger})
	s.greet(&ctx, nil, nil)
	ctx.SetConnectionClose()
	s.writeError(&ctx, e)
	return append(ctx.Response.Header.Header(), ctx.Response.Body()...)
}
