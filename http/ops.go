package http

import (
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// isProbe tells which routes have an answer while there is no broker yet.
func isProbe(path []byte) bool { return string(path) == "/health" || string(path) == "/ready" }

// health is liveness: 200 while the process serves, whatever the engine says.
func (s *Server) health(ctx *fasthttp.RequestCtx) error {
	if err := noParams(ctx); err != nil {
		return err
	}
	topics, groups := 0, 0
	if s.opened.Load() { // while it recovers there is nothing to count
		list, _ := s.cfg.Broker.Topics(s.calls) // liveness does not depend on what the engine says
		topics = len(list)
		groups, _ = s.cfg.Broker.GroupCount(s.calls)
	}
	now := time.Now()
	writeJSON(ctx, 200, struct {
		Status         string    `json:"status"`
		Service        string    `json:"service"`
		Timestamp      timestamp `json:"timestamp"`
		Version        string    `json:"version"`
		UptimeMs       int64     `json:"uptime_ms"`
		TopicsCount    int       `json:"topics_count"`
		ConsumerGroups int       `json:"consumer_groups_count"`
	}{
		Status: "healthy", Service: "flashq", Timestamp: timestamp(now.UnixMilli()), Version: s.cfg.Version,
		UptimeMs: now.Sub(s.started).Milliseconds(), TopicsCount: topics,
		ConsumerGroups: groups,
	})
	return nil
}

// ready tells whether writes would be taken; else it is the error shape with the reason beside it.
func (s *Server) ready(ctx *fasthttp.RequestCtx) error {
	if err := noParams(ctx); err != nil {
		return err
	}
	more := details{}
	var err error
	switch {
	case s.draining():
		err = broker.ErrDraining
	case s.opened.Load():
		err = s.cfg.Broker.Ready()
	default:
		err = broker.ErrRecovering
		if s.cfg.Progress != nil {
			done, total := s.cfg.Progress()
			more["progress"] = details{"partitions_recovered": done, "partitions": total}
		}
	}
	if err == nil {
		writeJSON(ctx, 200, map[string]string{"status": "ready"})
		return nil
	}
	e, known := explain(err)
	if !known {
		return err
	}
	ctx.Response.Header.Set("Retry-After", retryAfterSeconds)
	writeJSON(ctx, 503, map[string]any{
		"status": "not_ready", "reason": e.code,
		"error": e.code, "message": e.message, "details": more, "retryable": true,
	})
	return nil
}
