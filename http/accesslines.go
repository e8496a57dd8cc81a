package http

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
)

// logAccess writes the access log's line of a request. A path or a query is not in it: the template says what was
// asked for, and a query may hold what is nobody's business. A stream has its line when it ends.
func (s *Server) logAccess(c *call, counts *routeCounts, took time.Duration) {
	ctx, head := c.ctx, asked(c, counts)
	tail := []slog.Attr{slog.String("remote", ctx.RemoteAddr().String()), slog.String("principal", c.who.Name())}
	write := func(out int64, took, waited time.Duration) {
		line := []slog.Attr{slog.Int64("bytes_out", out), millis("duration_ms", took), millis("waited_ms", waited)}
		s.cfg.AccessLog.LogAttrs(context.Background(), slog.LevelInfo, "request", slices.Concat(head, line, tail)...)
	}
	if !ctx.Hijacked() {
		write(bytesOut(ctx), took, c.seen.waited)
		return
	}
	began := c.seen.began
	s.fetches.Open.WhenClosed(ctx.Conn(), func(sent int64) { write(sent, steady()-began, 0) })
}

// asked is what every line about a request begins with.
func asked(c *call, counts *routeCounts) []slog.Attr {
	return []slog.Attr{
		slog.String("id", requestID(c.ctx)), slog.String("route", counts.route), slog.String("method", methodOf(c, counts)),
		slog.Int("status", c.ctx.Response.StatusCode()), slog.Int("bytes_in", c.seen.in),
	}
}

// logSlow warns of a request that took long, and tells where its time went as far as that is known.
func (s *Server) logSlow(c *call, counts *routeCounts, took time.Duration) {
	skipped, ok := s.observer.slow.allow()
	if !ok {
		return
	}
	line := append(asked(c, counts), millis("duration_ms", took), millis("waited_ms", c.seen.waited))
	if !c.seen.arrived.IsZero() {
		body := c.seen.arrived.Sub(clockStart) - c.seen.began
		line = append(line, millis("body_ms", body), millis("store_ms", took-body))
	}
	if skipped > 0 {
		line = append(line, slog.Int64("skipped", skipped))
	}
	s.cfg.Logger.LogAttrs(context.Background(), slog.LevelWarn, "slow request", line...)
}

// logFailed tells the log of an answer that is the server's fault, so that the client's id leads to the reason.
func (s *Server) logFailed(ctx *fasthttp.RequestCtx, e *fault.Error, err error) {
	level := slog.LevelWarn
	switch e.Kind {
	case fault.Internal, fault.CorruptData:
		level = slog.LevelError
	case fault.Draining, fault.Recovering:
		level = slog.LevelDebug
	}
	line := []slog.Attr{
		slog.String("id", requestID(ctx)), slog.String("method", string(ctx.Method())),
		slog.String("path", fault.Clip(string(ctx.Path()))), slog.String("error", e.Kind.Code), slog.Any("cause", err),
	}
	if e.Kind != fault.Internal { // each of which is a bug
		skipped, ok := s.observer.failed.allow()
		if !ok {
			return
		}
		if skipped > 0 {
			line = append(line, slog.Int64("skipped", skipped))
		}
	}
	s.cfg.Logger.LogAttrs(context.Background(), level, "request failed", line...)
}

func millis(name string, d time.Duration) slog.Attr {
	return slog.Float64(name, float64(d.Microseconds())/1000)
}

// requestID is what the answer calls the request. Peek doesn't find it: it looks for Flashq-Request-Id.
func requestID(ctx *fasthttp.RequestCtx) string {
	for name, value := range ctx.Response.Header.All() {
		if bytes.Equal(name, headerRequestID) {
			return string(value)
		}
	}
	return ""
}

// methodOf is one of a few: a client may make methods up, too.
func methodOf(c *call, counts *routeCounts) string {
	if c.ctx.IsHead() {
		return fasthttp.MethodHead
	}
	return counts.method
}

// bytesOut is how long the answer's body is.
func bytesOut(ctx *fasthttp.RequestCtx) int64 {
	switch r := &ctx.Response; {
	case ctx.IsHead():
		return 0
	case r.IsBodyStream():
		return max(int64(r.Header.ContentLength()), 0)
	default:
		return int64(len(r.Body()))
	}
}
