package http

import (
	"errors"
	"sync"

	"github.com/valyala/fasthttp"

	"flashq/auth"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/request"
)

// call is one request on its way through the server, reused by later ones. It belongs to the request's goroutine.
type call struct {
	ctx   *fasthttp.RequestCtx
	head  request.Head
	names pathNames
	route *route        // nil before it is served
	who   *auth.Token   // who asks, nil where everybody may ask
	media request.Media // of the answer
	// status is that of an answer that goes well: 200 unless the handler says otherwise.
	status int
	// mostBody is how many bytes the body may have, decompressed.
	mostBody int
	presence conn.Presence
	seen     seen
}

// left is asked before each item of a long answer: an error when its client has left.
func (c *call) left() error {
	if c.presence.Left(c.ctx.Conn()) {
		return clientLeft()
	}
	return nil
}

func clientLeft() error {
	return fault.RequestTimeout.New("The client closed its connection before its answer was there", nil)
}

// pathNames are the names that a path holds, checked; "" for what it doesn't.
type pathNames struct{ topic, group, member string }

var calls = sync.Pool{New: func() any { return new(call) }}

// callKey is where the router finds the call that it belongs to.
const callKey = "call"

func callOf(ctx *fasthttp.RequestCtx) *call { return ctx.UserValue(callKey).(*call) }

// setName takes a name of the path as it stands there.
func (n *pathNames) setName(field, segment string) (err error) {
	switch field {
	case "topic":
		n.topic, err = request.PathName(field, segment)
	case "group":
		n.group, err = request.PathName(field, segment)
	case "member":
		n.member, err = request.PathName(field, segment)
	}
	return err
}

// noContent is a handler's answer that has no body.
type noContent struct{}

// answer writes what a handler returned; nil was written by the handler itself.
func (s *Server) answer(c *call, v any) error {
	switch v.(type) {
	case nil:
	case noContent:
		c.ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	default:
		err := s.writeJSON(c.ctx, c.status, v)
		if errors.Is(err, errNoRoom) {
			return answersWait(!c.ctx.IsGet() && !c.ctx.IsHead())
		}
		return err
	}
	return nil
}
