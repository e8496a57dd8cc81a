package http

import (
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
)

// indexView is what a stranger gets who asks for nothing in particular.
type indexView struct {
	Name    string    `json:"name" example:"flashq"`
	Version string    `json:"version" example:"0.1.0"`
	Routes  []tryView `json:"routes" doc:"what to try"`
}

// tryView is a route, and what it is for.
type tryView struct {
	Route string `json:"route" example:"GET /topics"`
	Does  string `json:"does" example:"list topics"`
}

// SchemaName implements schema.Named.
func (indexView) SchemaName() string { return "Index" }

// SchemaName implements schema.Named.
func (tryView) SchemaName() string { return "IndexRoute" }

// index is GET /.
func (s *Server) index(*call) (indexView, error) {
	answer := indexView{Name: "flashq", Version: s.cfg.Version, Routes: []tryView{}}
	for _, r := range s.table {
		if !r.isAlias() && r.pattern != "/" {
			answer.Routes = append(answer.Routes, tryView{r.method + " " + r.pattern, r.summary})
		}
	}
	return answer, nil
}

// healthView tells that the process serves.
type healthView struct {
	Status         string    `json:"status" enum:"healthy"`
	Service        string    `json:"service" enum:"flashq"`
	Timestamp      timestamp `json:"timestamp" doc:"the broker's clock"`
	Version        string    `json:"version" example:"0.1.0"`
	UptimeMs       int64     `json:"uptime_ms" doc:"since it was started" example:"86400000"`
	TopicsCount    int       `json:"topics_count" example:"3"`
	ConsumerGroups int       `json:"consumer_groups_count" example:"2"`
}

// SchemaName implements schema.Named.
func (healthView) SchemaName() string { return "Health" }

// health is liveness: 200 while the process serves, whatever the engine says.
func (s *Server) health(*call) (healthView, error) {
	topics, groups := 0, 0
	if s.life.opened.Load() { // while it recovers there is nothing to count
		list, _ := s.cfg.Broker.Topics(s.life.calls) // liveness does not depend on what the engine says
		topics = len(list)
		groups, _ = s.cfg.Broker.GroupCount(s.life.calls)
	}
	now := time.Now()
	return healthView{
		Status: "healthy", Service: "flashq", Timestamp: timestamp(now.UnixMilli()), Version: s.cfg.Version,
		UptimeMs: now.Sub(s.life.started).Milliseconds(), TopicsCount: topics, ConsumerGroups: groups,
	}, nil
}

// readyView tells whether writes would be taken; of a broker that is not ready, it is an error's shape, too.
type readyView struct {
	Status    string        `json:"status" enum:"ready,not_ready"`
	Reason    string        `json:"reason,omitempty" doc:"why it is not ready: a code of an error"`
	Error     string        `json:"error,omitempty" doc:"the same"`
	Message   string        `json:"message,omitempty" doc:"the same, for people"`
	Details   fault.Details `json:"details,omitempty" doc:"recovering: the progress"`
	Retryable bool          `json:"retryable,omitempty" doc:"always, while it is not ready"`
}

// SchemaName implements schema.Named.
func (readyView) SchemaName() string { return "Ready" }

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

// ready tells whether writes would be taken.
func (s *Server) ready(c *call) (readyView, error) {
	err := s.notReady()
	if err == nil {
		return readyView{Status: "ready"}, nil
	}
	more := fault.Details{}
	if errors.Is(err, broker.ErrRecovering) && s.cfg.Progress != nil {
		done, total := s.cfg.Progress()
		more["progress"] = fault.Details{"partitions_recovered": done, "partitions": total}
	}
	e, known := fault.Explain(err)
	if !known {
		return readyView{}, err
	}
	c.ctx.Response.Header.Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	c.status = fasthttp.StatusServiceUnavailable
	return readyView{
		Status: "not_ready", Reason: e.Kind.Code, Error: e.Kind.Code, Message: e.Message, Details: more, Retryable: true,
	}, nil
}
