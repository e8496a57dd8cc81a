package http

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
)

// index is what a stranger gets who asks for nothing in particular.
func (s *Server) index(*call) (any, error) {
	type try struct {
		Route string `json:"route"`
		Does  string `json:"does"`
	}
	answer := struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Routes  []try  `json:"routes"`
	}{Name: "flashq", Version: s.cfg.Version, Routes: []try{}}
	for _, r := range s.routes() {
		if !strings.HasPrefix(r.pattern, "/topic/") && !strings.HasPrefix(r.pattern, "/consumer/") && r.pattern != "/" {
			answer.Routes = append(answer.Routes, try{r.method + " " + r.pattern, r.summary})
		}
	}
	return answer, nil
}

// health is liveness: 200 while the process serves, whatever the engine says.
func (s *Server) health(*call) (any, error) {
	topics, groups := 0, 0
	if s.life.opened.Load() { // while it recovers there is nothing to count
		list, _ := s.cfg.Broker.Topics(s.life.calls) // liveness does not depend on what the engine says
		topics = len(list)
		groups, _ = s.cfg.Broker.GroupCount(s.life.calls)
	}
	now := time.Now()
	return struct {
		Status         string    `json:"status"`
		Service        string    `json:"service"`
		Timestamp      timestamp `json:"timestamp"`
		Version        string    `json:"version"`
		UptimeMs       int64     `json:"uptime_ms"`
		TopicsCount    int       `json:"topics_count"`
		ConsumerGroups int       `json:"consumer_groups_count"`
	}{
		Status: "healthy", Service: "flashq", Timestamp: timestamp(now.UnixMilli()), Version: s.cfg.Version,
		UptimeMs: now.Sub(s.life.started).Milliseconds(), TopicsCount: topics,
		ConsumerGroups: groups,
	}, nil
}

// notReady is why the broker takes no writes, nil if it does.
func (s *Server) notReady() error {
	switch {
	case s.life.draining():
		return broker.ErrDraining
	case s.life.opened.Load():
		return s.cfg.Broker.Ready()
	default:
		return broker.ErrRecovering
	}
}

// reason is the code of notReady's error, "" where there is none.
func (s *Server) reason() string {
	err := s.notReady()
	if err == nil {
		return ""
	}
	e, _ := fault.Explain(err)
	return e.Kind.Code
}

// ready tells whether writes would be taken; else it is the error shape with the reason beside it.
func (s *Server) ready(c *call) (any, error) {
	err := s.notReady()
	if err == nil {
		return map[string]string{"status": "ready"}, nil
	}
	more := fault.Details{}
	if errors.Is(err, broker.ErrRecovering) && s.cfg.Progress != nil {
		done, total := s.cfg.Progress()
		more["progress"] = fault.Details{"partitions_recovered": done, "partitions": total}
	}
	e, known := fault.Explain(err)
	if !known {
		return nil, err
	}
	c.ctx.Response.Header.Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	c.status = fasthttp.StatusServiceUnavailable
	return map[string]any{
		"status": "not_ready", "reason": e.Kind.Code,
		"error": e.Kind.Code, "message": e.Message, "details": more, "retryable": true,
	}, nil
}
