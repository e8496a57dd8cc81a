package http

import (
	"bytes"
	"strings"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"flashq/auth"
	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// route is one row of the surface. What is known of a request beyond its bytes is read off here.
type route struct {
	method  string
	pattern string
	scope   auth.Scope // on what the path names: see authorize
	id      string     // what clients that are made of the document call it: it stays
	handler
	summary string
}

// isAlias tells a route of FlashQ in Rust.
func (r *route) isAlias() bool {
	return strings.HasPrefix(r.pattern, "/topic/") || strings.HasPrefix(r.pattern, "/consumer/")
}

// handler serves a request whose names and Accept are good. It returns what encoding/json is to write, nothing when it
// wrote its answer itself, or why there is none.
type handler struct {
	told
	bodies  []request.Media // what its body may be; nil: it reads none
	answers []request.Media // what its answer may be; nil: it has none but errors
	serve   func(c *call) (any, error)
	// judge refuses what serve would refuse for its parameters beside a body of the format, or for more that is known
	// before there is a body or a ctx: see judgeHead.
	judge  func(c *call, query []byte, f request.Format) error
	most   int          // bytes of a body, decompressed; 0: as many as the broker takes at all
	counts *routeCounts // what is counted of it; set by newObserver
}

// isProbe tells whether the route is about the process: it answers while there is no broker yet, whatever Accept says.
func (r *route) isProbe() bool { return r.scope == auth.Open || r.scope == auth.ReadAll }

// mostBody is how many bytes a route's body may have where the broker takes so many at all.
func (r *route) mostBody(broker int) int {
	if r.most == 0 {
		return broker
	}
	return min(r.most, broker)
}

// plain handles requests without parameters; an A is what it answers, and describes it.
func plain[A any](h func(c *call) (A, error)) handler {
	return query(nil, func(c *call, _ struct{}) (A, error) { return h(c) })
}

// query handles requests whose parameters go into a Q.
func query[Q, A any](params request.Params[Q], h func(c *call, q Q) (A, error)) handler {
	judge := func(_ *call, query []byte, _ request.Format) error {
		var q Q
		return params.Parse(query, &q)
	}
	told := told{params: params.Typed(), shows: answering[A]}
	return handler{told: told, answers: mediaOf[A](), judge: judge, serve: func(c *call) (any, error) {
		var q Q
		if err := params.Parse(c.ctx.URI().QueryString(), &q); err != nil {
			return nil, err
		}
		a, err := h(c, q)
		if err != nil {
			return nil, err
		}
		return a, nil
	}}
}

// router finds the row of a request, and serves it.
func (s *Server) router(table surface) fasthttp.RequestHandler {
	r := router.New()
	r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
	r.NotFound = func(ctx *fasthttp.RequestCtx) {
		if s.guard.origins.preflight(ctx, anyMethods) {
			return // the page is to see the 404 of what it asks for then
		}
		s.fail(ctx, table.notFound(string(ctx.URI().PathOriginal())))
	}
	r.MethodNotAllowed = func(ctx *fasthttp.RequestCtx) { s.fail(ctx, notAllowed(ctx)) } // Allow is set
	r.GlobalOPTIONS = func(ctx *fasthttp.RequestCtx) {
		s.discardBody(ctx)
		s.options(ctx)
	}
	var produce *route
	for i := range table {
		row := &table[i]
		serve := s.with(row)
		r.Handle(row.method, row.pattern, serve)
		if row.method == fasthttp.MethodGet {
			r.Handle(fasthttp.MethodHead, row.pattern, serve) // fasthttp leaves the body out
		}
		if row.method == fasthttp.MethodPost && row.pattern == producePattern {
			produce = row
		}
	}
	return func(ctx *fasthttp.RequestCtx) {
		topic := producePath(ctx)
		if topic == nil {
			r.Handler(ctx)
			return
		}
		c := callOf(ctx)
		c.seen.counts = produce.counts
		if err := c.names.setName("topic", string(topic)); err != nil {
			s.fail(ctx, err)
			return
		}
		s.serve(c, produce)
	}
}

// with is the way from the router to a row's handler.
func (s *Server) with(r *route) fasthttp.RequestHandler {
	var names []string
	for part := range strings.SplitSeq(r.pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return func(ctx *fasthttp.RequestCtx) {
		c := callOf(ctx)
		c.seen.counts = r.counts
		for _, name := range names {
			segment, _ := ctx.UserValue(name).(string)
			if err := c.names.setName(name, segment); err != nil {
				s.fail(ctx, err)
				return
			}
		}
		s.serve(c, r)
	}
}

const producePattern = "/topics/{topic}/records"

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

// serve judges what every route judges, in one order: the door, Accept, and the rest is the handler's.
func (s *Server) serve(c *call, r *route) {
	c.route, c.mostBody = r, r.mostBody(s.cfg.MaxBodyBytes)
	err := s.admit(c, r)
	if err == nil && r.bodies == nil {
		err = s.passBody(c)
	}
	var v any
	if err == nil {
		v, err = r.serve(c)
	}
	if err == nil {
		err = s.answer(c, v)
	}
	if err != nil {
		s.fail(c.ctx, err)
	}
}

func (s *Server) admit(c *call, r *route) (err error) {
	if err := s.authorize(c, r, c.ctx.URI().QueryString()); err != nil {
		return err
	}
	if !r.isProbe() && !s.life.opened.Load() {
		return broker.ErrRecovering
	}
	if r.method != fasthttp.MethodGet {
		if err := s.guard.checkOrigin(&c.head); err != nil {
			return err
		}
		if s.life.draining() {
			return broker.ErrDraining
		}
	}
	if r.answers != nil && !r.isProbe() { // a probe gets what there is
		c.media, err = request.Negotiate(c.head.Accept, r.answers)
	}
	return err
}

// options answers with the Allow header, which the router has set, and for the page of a listed origin.
func (s *Server) options(ctx *fasthttp.RequestCtx) {
	ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	s.guard.origins.preflight(ctx, string(ctx.Response.Header.Peek(fasthttp.HeaderAllow)))
}

// fail answers err. What a client still sends is read first, as far as that is reasonable: an answer before the end of
// the body is lost to a reset.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	e, _ := fault.Explain(err)
	if e.Kind.Status >= fasthttp.StatusInternalServerError {
		s.logFailed(ctx, e, err)
	}
	s.discardBody(ctx)
	s.writeError(ctx, e)
}
