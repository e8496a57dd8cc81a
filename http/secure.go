package http

import (
	"github.com/valyala/fasthttp"

	"flashq/http/fault"
)

// notEncrypted is the answer, head and body, to a plain request on a connection that should speak TLS. Nothing of the
// request was read, so it is no request to any route.
func (s *Server) notEncrypted() []byte {
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, debugLog{s.cfg.Logger})
	s.ids.put(&ctx, nil)
	ctx.SetConnectionClose()
	s.writeError(&ctx, fault.InvalidRequest.New("This port speaks HTTPS and the request is plain HTTP; use https://", nil))
	return append(ctx.Response.Header.Header(), ctx.Response.Body()...)
}
