package http

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/http/request"
)

// call is one request on its way through the server, reused by later ones. It belongs to the request's goroutine.
type call struct {
	ctx   *fasthttp.RequestCtx
	head  request.Head
	names pathNames
	media request.Media // of the answer
	// status is that of an answer that goes well: 200 unless the handler says otherwise.
	status int
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

// scheme is that of the request's own origin.
func (c *call) scheme() string {
	if c.ctx.IsTLS() {
		return "https"
	}
	return "http"
}

// noContent is a handler's answer that has no body.
type noContent struct{}

// answer writes what a handler returned; nil was written by the handler itself.
func (c *call) answer(v any) {
	switch v.(type) {
	case nil:
	case noContent:
		c.ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	default:
		writeJSON(c.ctx, c.status, v)
	}
}

// writeError writes the contract's one error shape.
func writeError(ctx *fasthttp.RequestCtx, e *fault.Error) {
	if e.Kind.Retryable {
		ctx.Response.Header.Set("Retry-After", fault.RetryAfterSeconds)
	}
	if e.Accepts != "" {
		ctx.Response.Header.Set("Accept-Encoding", e.Accepts)
	}
	writeJSON(ctx, e.Kind.Status, e)
}

// writeJSON answers with what encoding/json makes of v: for everything that is not records.
func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text) // it ends with a line feed, so that a shell's prompt stands on a line of its own
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("http: answer has no JSON: " + err.Error()) // our own types only: a broken invariant
	}
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/json")
	ctx.Response.SetBody(text.Bytes())
}
