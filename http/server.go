package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

const (
	// maxHeadBytes bounds a request's head: long position tokens fit.
	maxHeadBytes = 16 << 10
	readTimeout  = 60 * time.Second // for a request's first byte, and for all of it from then on
	writeTimeout = 60 * time.Second // from when writing begins: a long poll's wait does not count
)

// Server serves one broker.Broker over HTTP.
type Server struct {
	// set before serving
	cfg     Config
	log     *slog.Logger
	wire    *fasthttp.Server
	route   fasthttp.RequestHandler
	ids     *requestIDs
	guard   *guard
	codecs  *codecs
	started time.Time
	// calls is the context of the handlers' calls to the broker; endCalls cuts them off when Shutdown's patience ends.
	calls    context.Context
	endCalls context.CancelFunc

	inflight budget // bytes of bodies that are not appended yet
	answers  budget // bytes of answers that are built or not sent yet
	waiters  budget // fetches that wait

	drainOnce sync.Once
	drain     chan struct{} // closed by Drain

	opened   atomic.Bool   // atomic: cfg.Broker is there; it is written before and read after
	loopback atomic.Bool   // atomic: only this machine can reach the listener
	sticky   atomic.Uint32 // atomic: spreads requests whose records have no key
}

// New makes a server; Serve starts it.
func New(c Config) *Server {
	c = c.withDefaults()
	s := &Server{
		cfg: c, log: c.Logger, ids: newRequestIDs(), guard: newGuard(c.AllowedHosts), codecs: newCodecs(c.MaxBodyBytes),
		started:  time.Now(),
		inflight: budget{limit: int64(c.MaxInflightBytes)},
		answers:  budget{limit: int64(c.MaxInflightBytes)},
		waiters:  budget{limit: int64(c.MaxWaiters)},
		drain:    make(chan struct{}),
	}
	s.calls, s.endCalls = context.WithCancel(context.Background())
	if c.Broker != nil {
		s.opened.Store(true)
	}
	s.route = s.routes().Handler
	s.wire = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.refuse, ExpectHandler: s.expect, ConnState: awaitNext, Logger: debugLog{c.Logger},
		ReadBufferSize: maxHeadBytes, MaxRequestBodySize: c.MaxBodyBytes, StreamRequestBody: true,
		DisablePreParseMultipartForm: true, SecureErrorLogMessage: true, LazyRequestTime: true,
		NoDefaultServerHeader: true, NoDefaultContentType: true, CloseOnShutdown: true,
	}
	return s
}

// Open brings the broker that New was not given. It is called once.
func (s *Server) Open(b broker.Broker) {
	s.cfg.Broker = b
	s.opened.Store(true)
}

// Serve answers requests from ln until Shutdown; nil after that. It is called once.
func (s *Server) Serve(ln net.Listener) error {
	s.loopback.Store(isLoopback(ln.Addr()))
	var clock seconds
	served := make(chan struct{})
	defer close(served)
	go clock.run(served)
	if err := s.wire.Serve(patientListener{ln, s.log, &clock}); err != nil {
		return fmt.Errorf("http: serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Drain tells the world that the end is near: /ready says so, long polls end with what they have, writes are refused.
func (s *Server) Drain() { s.drainOnce.Do(func() { close(s.drain) }) }

func (s *Server) draining() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

// Shutdown drains, stops accepting and waits until the handlers have returned, or ctx ends: then what still waits for
// the broker is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	defer s.endCalls()
	if err := s.wire.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("http: shut down: %w", err)
	}
	return nil
}

// handle is every request's way in.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	defer s.survive(ctx)
	bare := isBare(&ctx.Request.Header)
	s.ids.put(ctx, bare)
	if isData(ctx.URI().PathOriginal()) {
		ctx.Response.Header.SetCanonical([]byte("Cache-Control"), []byte("no-store"))
		ctx.Response.Header.SetCanonical([]byte("Vary"), []byte("Accept, Accept-Encoding"))
	}
	if err := s.guardDoor(ctx, bare); err != nil {
		s.fail(ctx, err)
		return
	}
	if !s.opened.Load() && !isProbe(ctx.Path()) {
		s.fail(ctx, broker.ErrRecovering)
		return
	}
	if topic := producePath(ctx); topic != nil {
		if err := s.produceTo(ctx, string(topic), bare); err != nil {
			s.fail(ctx, err)
		}
		return
	}
	s.route(ctx)
}

func (s *Server) guardDoor(ctx *fasthttp.RequestCtx, bare bool) error {
	if s.loopback.Load() {
		if err := s.guard.checkHost(ctx); err != nil {
			return err
		}
	}
	if bare {
		return nil
	}
	return checkOrigin(ctx)
}

// isBare tells that a request has no header that changes what is done with it, as most have none: then nobody need look
// for one, which costs more each time than this does.
func isBare(h *fasthttp.RequestHeader) bool {
	for name, value := range h.All() {
		switch string(name) {
		case "Host", "Content-Length", "Content-Type", "User-Agent", "Connection":
		case "Accept":
			if string(value) != "*/*" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isData tells whether a path is about records, groups or offsets, whose answers nobody may keep.
func isData(path []byte) bool {
	for _, prefix := range []string{"/topic", "/group", "/consumer"} {
		if bytes.HasPrefix(path, []byte(prefix)) {
			return true
		}
	}
	return false
}

// survive turns a panic in a handler into a 500: one request's bug is not everybody's end.
func (s *Server) survive(ctx *fasthttp.RequestCtx) {
	if p := recover(); p != nil {
		s.log.Error("panic in a handler", "method", string(ctx.Method()), "path", string(ctx.Path()), "panic", p,
			"stack", string(debug.Stack()))
		ctx.SetConnectionClose()
		writeError(ctx, &apiError{status: 500, code: "internal_error", message: "Internal error"})
	}
}

// refuse answers what fasthttp could not read as a request; it closes the connection by itself.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, err error) {
	s.ids.put(ctx, false)
	e := &apiError{status: 400, code: "invalid_request", message: "The request could not be read as HTTP"}
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		e.status, e.code, e.message = 431, "headers_too_large", "The request's head is larger than 16 KiB"
	case isTimeout(err):
		e, _ = explain(errBodyTimeout)
	}
	writeError(ctx, e)
}

// debugLog is where fasthttp's own lines go.
type debugLog struct{ log *slog.Logger }

func (d debugLog) Printf(format string, args ...any) {
	if d.log.Enabled(context.Background(), slog.LevelDebug) {
		d.log.Debug("wire: " + fmt.Sprintf(format, args...))
	}
}
