package http

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/budget"
	"flashq/codec"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/fetch"
)

// maxHeadBytes bounds a request's head: long position tokens fit.
const maxHeadBytes = 16 << 10

// Server serves one broker.Broker over HTTP.
type Server struct {
	// set before serving
	cfg    Config
	wire   *fasthttp.Server
	route  fasthttp.RequestHandler
	table  surface
	ids    *requestIDs
	guard  *guard
	codecs *codec.Set
	bounds bounds

	observer *observer
	pages    pages
	ages     ages // of who writes a page
	rates    *rates

	statsStreams *budget.Budget
	statsTexts   statsTexts

	early   verdicts
	tls     *conn.TLS // nil: plain HTTP
	life    *life
	fetches fetch.Env     // what fetches need of all this; its engine is there once life.opened is
	sticky  atomic.Uint32 // atomic: spreads requests whose records have no key
}

// bounds are what all requests together may hold.
type bounds struct {
	inflight *budget.Budget // bytes of bodies that are not appended yet
	answers  *budget.Budget // bytes of answers that are built or not sent yet
	waiters  *budget.Budget // fetches that wait
	streams  *budget.Budget // live streams that are open
	large    chan struct{}  // bodies of largeBody and more that are decoded at this moment

	shares      *conn.Shares // of one address
	connections *conn.Bound  // how many there may be
}

// New makes a server; Serve starts it.
func New(c Config) *Server {
	c = c.withDefaults()
	s := &Server{
		cfg: c, ids: newRequestIDs(), guard: newGuard(c.AllowedHosts, newOrigins(c.Origins)),
		codecs: codec.New(c.MaxBodyBytes),
		bounds: bounds{
			inflight:    budget.New(c.MaxInflightBytes),
			answers:     budget.New(c.MaxInflightBytes),
			waiters:     budget.New(c.MaxWaiters),
			streams:     budget.New(c.MaxStreams),
			large:       make(chan struct{}, max(runtime.GOMAXPROCS(0)-1, 1)),
			shares:      conn.NewShares(int64(c.MaxInflightBytes)/2, c.MaxConnectionsPerAddress, c.TrustedProxies),
			connections: conn.NewBound(c.MaxConnections, c.Logger),
		},
		life: newLife(), statsStreams: budget.New(mostStatsStreams),
	}
	s.fetches = fetch.Env{
		Calls: s.life.calls, Answers: s.bounds.answers, Waiters: s.bounds.waiters, Drain: s.life.drain,
		Streams: s.bounds.streams, Open: new(conn.Streams), Log: c.Logger,
		Searches: make(chan struct{}, fetch.MostSearches), Peers: new(conn.Peers), Codecs: s.codecs,
		AutoCreate: !c.NoAutoCreate,
	}
	if c.Broker != nil {
		s.Open(c.Broker)
	}
	s.table = s.routes()
	s.observer = newObserver(s.table)
	s.rates = newRates(len(s.observer.routes))
	s.route = s.router(s.table)
	if c.Certificate != nil {
		s.tls = conn.NewTLS(c.Certificate, s.notEncrypted, c.Logger)
	}
	s.wire = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.refuse, ExpectHandler: s.expect, HeaderReceived: s.headRead,
		ConnState: conn.Follow, MaxIdleWorkerDuration: 2 * time.Second,
		Logger: debugLog{c.Logger}, ReadBufferSize: maxHeadBytes, MaxRequestBodySize: c.MaxBodyBytes,
		StreamRequestBody: true, DisablePreParseMultipartForm: true, SecureErrorLogMessage: true, LazyRequestTime: true,
		NoDefaultServerHeader: true, NoDefaultContentType: true, CloseOnShutdown: true,
		KeepHijackedConns: true, // a stream closes its own
	}
	return s
}

// Open brings the broker that New was not given. It is called once.
func (s *Server) Open(b broker.Broker) {
	s.cfg.Broker, s.fetches.Broker = b, b
	s.life.opened.Store(true)
}

// Serve answers requests from all listeners until Shutdown, nil after that, or until one of them fails. It is called
// once.
func (s *Server) Serve(listeners ...net.Listener) error {
	s.guard.loopback.Store(!slices.ContainsFunc(listeners, func(ln net.Listener) bool { return !isLoopback(ln.Addr()) }))
	ended := make(chan error, len(listeners))
	stop := make(chan struct{})
	defer close(stop)
	go s.countRates(stop)
	for _, ln := range listeners {
		go func() { ended <- s.serveOn(ln) }()
	}
	var all error
	for range listeners {
		err := <-ended
		if all = errors.Join(all, err); err != nil {
			for _, ln := range listeners {
				_ = ln.Close() // the others end with it; closed twice is no matter
			}
		}
	}
	return all
}

func (s *Server) serveOn(ln net.Listener) error {
	full := s.tooMany
	if s.tls != nil {
		full = nil // it could not be read
	}
	patient, stop := conn.Listen(s.bounds.connections.On(ln), s.cfg.Logger, s.bounds.shares, full)
	defer stop()
	if err := s.wire.Serve(s.tls.On(patient)); err != nil {
		return fmt.Errorf("http: serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Drain tells the world that the end is near: /ready says so, long polls end with what they have, writes are refused.
func (s *Server) Drain() { s.life.end() }

// streamsEnd is how long streams have to say that the server ends, before those whose readers take nothing are closed.
const streamsEnd = 250 * time.Millisecond

// Shutdown drains, stops accepting and waits until the handlers have returned and the streams have ended, or ctx ends:
// then what still waits for the broker is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	defer s.life.endCalls()
	defer time.AfterFunc(streamsEnd, s.fetches.Open.CloseAll).Stop()
	err := s.wire.ShutdownWithContext(ctx)
	if err = errors.Join(err, s.fetches.Open.Wait(ctx)); err != nil {
		return fmt.Errorf("http: shut down: %w", err)
	}
	return nil
}

// handle is every request's way in.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c := calls.Get().(*call)
	*c = call{ctx: ctx, status: fasthttp.StatusOK, seen: seen{began: steady()}}
	_ = s.early.take(&ctx.Request.Header) // the handler comes to it by itself
	defer s.finish(c)
	broken := c.head.Read(&ctx.Request.Header)
	s.greet(ctx, c.head.RequestID, c.head.Origin)
	if broken != nil {
		ctx.SetConnectionClose()
		s.fail(ctx, broken)
		return
	}
	if err := s.guard.checkHost(c); err != nil {
		s.fail(ctx, err)
		return
	}
	ctx.SetUserValue(callKey, c)
	s.route(ctx)
	s.guard.origins.tellRecord(ctx)
}

// greet sets what every answer says, whatever becomes of its request, of whose head it takes X-Request-Id and Origin.
func (s *Server) greet(ctx *fasthttp.RequestCtx, id, origin []byte) {
	s.ids.put(ctx, id)
	ctx.Response.Header.SetCanonical(headerCacheControl, valueNoStore)
	ctx.Response.Header.SetCanonical(headerVary, valueVary)
	s.guard.origins.tell(ctx, origin)
}

var (
	headerCacheControl, valueNoStore = []byte("Cache-Control"), []byte("no-store")
	headerVary, valueVary            = []byte("Vary"), []byte("Accept, Accept-Encoding")
	valueVaryOrigin                  = []byte("Accept, Accept-Encoding, Origin")
)

// finish ends a request, and turns a panic in its handler into a 500: one request's bug is not everybody's end.
func (s *Server) finish(c *call) {
	ctx := c.ctx
	if p := recover(); p != nil {
		s.cfg.Logger.Error("panic in a handler", "method", string(ctx.Method()), "path", string(ctx.Path()), "panic", p,
			"id", requestID(ctx), "stack", string(debug.Stack()))
		ctx.SetConnectionClose()
		s.writeError(ctx, fault.Internal.New("Internal error", nil))
	}
	s.observe(c)
	*c = call{}
	calls.Put(c)
}

// refuse answers what fasthttp could not read as a request; it closes the connection by itself.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, err error) {
	verdict := s.early.take(&ctx.Request.Header)
	if verdict.why != nil {
		verdict.head.CopyTo(&ctx.Request.Header) // fasthttp forgot it
	}
	s.greet(ctx, ctx.Request.Header.Peek("X-Request-Id"), ctx.Request.Header.Peek("Origin"))
	e := fault.InvalidRequest.New("The request could not be read as HTTP", nil)
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		s.discardHead(ctx.Conn())
		e = fault.HeadersTooLarge.New("The request's head is larger than 16 KiB", nil)
	case verdict.why != nil:
		e, _ = fault.Explain(verdict.why)
	case conn.IsTimeout(err):
		e, _ = fault.Explain(fault.ErrBodyTimeout)
	default:
		s.discardRest(ctx.Conn())
	}
	s.writeError(ctx, e)
	if verdict.why != nil {
		s.observeJudged(ctx, verdict)
	} else {
		s.observeUnread(ctx)
	}
}

// debugLog is where fasthttp's own lines go. What its errors quote are bytes of a request, which may be a token, and is
// left out.
type debugLog struct{ log *slog.Logger }

func (d debugLog) Printf(format string, args ...any) {
	if !d.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i], _, _ = strings.Cut(err.Error(), `"`)
		}
	}
	d.log.Debug("wire: " + fmt.Sprintf(format, args...))
}
