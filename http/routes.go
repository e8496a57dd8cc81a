package http

import (
	"bytes"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"
)

// routes is the whole surface on one screen.
func (s *Server) routes() *router.Router {
	r := router.New()
	r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
	r.NotFound, r.MethodNotAllowed, r.GlobalOPTIONS = s.notFound, s.methodNotAllowed, options

	get := func(path string, h handler) {
		r.GET(path, s.with(h))
		r.HEAD(path, s.with(h)) // fasthttp leaves the body out
	}
	get("/topics", s.listTopics)
	get("/topics/{topic}", s.describeTopic)
	r.PUT("/topics/{topic}", s.with(s.putTopic))
	r.DELETE("/topics/{topic}", s.with(s.deleteTopic))
	get("/topics/{topic}/offsets", s.topicOffsets)
	get("/topics/{topic}/records", s.fetch)
	r.POST("/topics/{topic}/records", s.with(s.produce))

	get("/groups", s.listGroups)
	get("/groups/{group}", s.describeGroup)
	r.PUT("/groups/{group}", s.with(s.putGroup))
	r.DELETE("/groups/{group}", s.with(s.deleteGroup))
	r.PUT("/groups/{group}/members/{member}", s.with(s.putMember))
	r.DELETE("/groups/{group}/members/{member}", s.with(s.deleteMember))
	get("/groups/{group}/offsets", s.groupOffsets)
	r.POST("/groups/{group}/offsets", s.with(s.commit))

	// The reference's own routes (aliases.go).
	r.POST("/topic/{topic}/record", s.with(s.produce))
	r.POST("/consumer/{group}", s.with(s.aliasCreateGroup))
	r.DELETE("/consumer/{group}", s.with(s.aliasDeleteGroup))
	get("/consumer/{group}/topic/{topic}/record/offset", s.aliasFetchByOffset)
	get("/consumer/{group}/topic/{topic}/record/time", s.aliasFetchByTime)
	get("/consumer/{group}/topic/{topic}/offset", s.aliasOffset)
	r.POST("/consumer/{group}/topic/{topic}/offset", s.with(s.aliasCommit))

	get("/health", s.health)
	get("/ready", s.ready)
	return r
}

// producePath gives the topic of POST /topics/{topic}/records, as the router would, or nil for anything else. Nearly
// every request to a busy broker is this one, and the router finds it with four allocations.
func producePath(ctx *fasthttp.RequestCtx) []byte {
	if !ctx.IsPost() {
		return nil
	}
	topic, ok := bytes.CutPrefix(ctx.URI().PathOriginal(), []byte("/topics/"))
	if !ok {
		return nil
	}
	topic, ok = bytes.CutSuffix(topic, []byte("/records"))
	if !ok || len(topic) == 0 || bytes.IndexByte(topic, '/') >= 0 {
		return nil
	}
	return topic
}

// handler answers a request, or returns why not.
type handler func(ctx *fasthttp.RequestCtx) error

func (s *Server) with(h handler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if err := h(ctx); err != nil {
			s.fail(ctx, err)
		}
	}
}

func (s *Server) notFound(ctx *fasthttp.RequestCtx) {
	s.fail(ctx, &apiError{
		status: 404, code: "not_found", message: "No route " + quote(string(ctx.URI().PathOriginal())),
	})
}

// methodNotAllowed runs behind the router, which has set Allow.
func (s *Server) methodNotAllowed(ctx *fasthttp.RequestCtx) {
	s.fail(ctx, &apiError{
		status: 405, code: "method_not_allowed", message: "This route takes " + string(ctx.Response.Header.Peek("Allow")),
	})
}

// options answers with the Allow header alone, which the router has set.
func options(ctx *fasthttp.RequestCtx) { ctx.Response.SetStatusCode(fasthttp.StatusNoContent) }
