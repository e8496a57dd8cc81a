package http

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// What a request's head alone shows to be refused is answered without its body. fasthttp calls a handler when it has
// the first byte of a body; for those who never send it, the verdict waits here.

// verdicts are the refusals of requests whose handler does not run yet, by their heads.
type verdicts struct {
	some  atomic.Int64
	heads sync.Map // *fasthttp.RequestHeader -> verdict
}

// verdict is why a request is refused, and what is told of it in its answer and counted of it.
type verdict struct {
	why   error                   // nil: it is none
	head  *fasthttp.RequestHeader // a copy; nil: the request still has its own
	who   *auth.Token
	began time.Duration // of the steady clock
}

func (v *verdicts) put(h *fasthttp.RequestHeader, of verdict) {
	of.head = new(fasthttp.RequestHeader)
	h.CopyTo(of.head)
	v.some.Add(1)
	v.heads.Store(h, of)
}

// take gives the verdict and forgets it.
func (v *verdicts) take(h *fasthttp.RequestHeader) verdict {
	if v.some.Load() == 0 {
		return verdict{}
	}
	found, ok := v.heads.LoadAndDelete(h)
	if !ok {
		return verdict{}
	}
	v.some.Add(-1)
	return found.(verdict)
}

// headRead is called between a request's head and its body, of which fasthttp then reads one byte at most before it
// calls the handler: the rest is read under the handler's own bounds.
func (s *Server) headRead(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	declared := h.ContentLength()
	if declared <= 0 {
		return fasthttp.RequestConfig{}
	}
	paced := fasthttp.RequestConfig{MaxRequestBodySize: 1}
	if declared <= smallBody && isUsual(h) {
		return paced // what more there is to see of it, its handler sees
	}
	if v := s.verdictOn(h); v.why != nil {
		s.early.put(h, v)
		paced.ReadTimeout = discardTime
	}
	return paced
}

// isUsual tells what nearly every request with a body is: JSON, or records in another format.
func isUsual(h *fasthttp.RequestHeader) bool {
	kind := h.ContentType()
	if bytes.HasPrefix(kind, typeJSON) {
		return true
	}
	isKind := func(m request.Media) bool { return m.Name == string(kind) }
	return h.IsPost() && bytes.HasPrefix(h.RequestURI(), topicsPath) &&
		slices.ContainsFunc(request.RecordBodies, isKind)
}

var topicsPath = []byte("/topics/")

func (s *Server) verdictOn(h *fasthttp.RequestHeader) verdict {
	var c call // which has no ctx yet
	why := s.judgeHead(&c, h)
	return verdict{why: why, who: c.who, began: steady()}
}

// judgeHead refuses what a request's head alone shows that its route, or its handler, refuses.
func (s *Server) judgeHead(c *call, h *fasthttp.RequestHeader) error {
	path, query, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	row := s.table.find(string(h.Method()), string(path))
	if row == nil || row.bodies == nil {
		return nil
	}
	if err := c.head.Read(h); err != nil {
		return err
	}
	if err := s.judgeDoor(c, row, string(path), query); err != nil {
		return err
	}
	if declared, most := h.ContentLength(), row.mostBody(s.cfg.MaxBodyBytes); declared > most {
		return bodyTooLarge(most)
	}
	format, err := request.BodyFormat(c.head.ContentType, row.bodies)
	if err != nil {
		return err
	}
	if _, err := request.BodyCoding(c.head.ContentEncoding); err != nil {
		return err
	}
	return row.judge(c, query, format)
}

// judgeDoor is what stands before any handler. Of the host it sees what does not depend on how the request came.
func (s *Server) judgeDoor(c *call, row *route, path string, query []byte) error {
	if err := s.guard.checkHostNamed(c.head.Host); err != nil {
		return err
	}
	if err := c.names.set(row.pattern, path); err != nil {
		return err
	}
	if err := s.authorize(c, row, query); err != nil {
		return err
	}
	if !row.isProbe() && !s.life.opened.Load() {
		return broker.ErrRecovering
	}
	if err := s.guard.checkOrigin(&c.head); err != nil {
		return err
	}
	if s.life.draining() {
		return broker.ErrDraining
	}
	if row.answers == nil || row.isProbe() {
		return nil
	}
	_, err := request.Negotiate(c.head.Accept, row.answers)
	return err
}

// find gives the route of a request that the router has not seen yet.
func (s surface) find(method, path string) *route {
	for i := range s {
		if row := &s[i]; row.method == method && matches(row.pattern, path) {
			return row
		}
	}
	return nil
}

// matches tells whether a path is one of a route's.
func matches(pattern, path string) bool {
	for pattern != "" && path != "" {
		var want, got string
		want, pattern = firstSegment(pattern)
		got, path = firstSegment(path)
		if want != got && !strings.HasPrefix(want, "{") {
			return false
		}
	}
	return pattern == path
}

// set takes the names of a path that matches a route's pattern.
func (n *pathNames) set(pattern, path string) error {
	for pattern != "" {
		var field, segment string
		field, pattern = firstSegment(pattern)
		segment, path = firstSegment(path)
		if name, ok := strings.CutPrefix(field, "{"); ok {
			if err := n.setName(strings.TrimSuffix(name, "}"), segment); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstSegment cuts the first segment off a path that begins with a slash, and so does the rest if there is any.
func firstSegment(path string) (segment, rest string) {
	segment = path[1:]
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		return segment[:i], segment[i:]
	}
	return segment, ""
}

// expect answers `Expect: 100-continue`: a body that would be refused for what the head says is refused before it is
// sent.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	v := s.early.take(&ctx.Request.Header)
	if v.why == nil {
		v = s.verdictOn(&ctx.Request.Header) // headRead leaves most to the handler
	}
	if v.why == nil {
		hold := s.holdBody(ctx)
		v.why = admitBody(ctx.Request.Header.ContentLength(), s.cfg.MaxBodyBytes, &hold)
	}
	if v.why == nil {
		return fasthttp.StatusContinue
	}
	s.greet(ctx, ctx.Request.Header.Peek("X-Request-Id"), ctx.Request.Header.Peek("Origin"))
	e, _ := fault.Explain(v.why)
	s.writeError(ctx, e)
	s.observeJudged(ctx, v)
	return e.Kind.Status
}
