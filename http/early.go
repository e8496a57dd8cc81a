package http

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/http/request"
)

// What a request's head alone shows to be refused is answered without its body. fasthttp calls a handler when it has
// the first byte of a body; for those who never send it, the verdict waits here.

// verdicts are the refusals of requests whose handler does not run yet, by their heads.
type verdicts struct {
	some  atomic.Int64
	heads sync.Map // *fasthttp.RequestHeader -> error
}

func (v *verdicts) put(h *fasthttp.RequestHeader, err error) {
	v.some.Add(1)
	v.heads.Store(h, err)
}

// take gives the verdict and forgets it; nil is none.
func (v *verdicts) take(h *fasthttp.RequestHeader) error {
	if v.some.Load() == 0 {
		return nil
	}
	err, found := v.heads.LoadAndDelete(h)
	if !found {
		return nil
	}
	v.some.Add(-1)
	return err.(error)
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
	if err := s.judgeHead(h); err != nil {
		s.early.put(h, err)
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

// judgeHead refuses parameters, or a body's size, type or coding, that the route doesn't take.
func (s *Server) judgeHead(h *fasthttp.RequestHeader) error {
	path, query, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	row := s.table.find(string(h.Method()), string(path))
	if row == nil || row.bodies == nil {
		return nil
	}
	if declared, most := h.ContentLength(), row.mostBody(s.cfg.MaxBodyBytes); declared > most {
		return bodyTooLarge(most)
	}
	format, err := request.BodyFormat(h.ContentType(), row.bodies)
	if err != nil {
		return err
	}
	if _, err := request.BodyCoding(h.Peek("Content-Encoding")); err != nil {
		return err
	}
	return row.judge(query, format)
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
		want, pattern, _ = strings.Cut(pattern[1:], "/")
		got, path, _ = strings.Cut(path[1:], "/")
		if want != got && !strings.HasPrefix(want, "{") {
			return false
		}
		pattern, path = rooted(pattern), rooted(path)
	}
	return pattern == path
}

// rooted puts the slash back that Cut has taken.
func rooted(rest string) string {
	if rest == "" {
		return ""
	}
	return "/" + rest
}

// expect answers `Expect: 100-continue`: a body that would be refused for what the head says is refused before it is
// sent.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	err := s.early.take(&ctx.Request.Header)
	if err == nil {
		hold := s.holdBody(ctx)
		err = admitBody(ctx.Request.Header.ContentLength(), s.cfg.MaxBodyBytes, &hold)
	}
	if err == nil {
		return fasthttp.StatusContinue
	}
	s.ids.put(ctx, ctx.Request.Header.Peek("X-Request-Id"))
	e, _ := fault.Explain(err)
	s.writeError(ctx, e)
	return e.Kind.Status
}
