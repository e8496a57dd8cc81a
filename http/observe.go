package http

import (
	"bytes"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/metrics"
)

// What is counted of requests. Nothing here is looked up by name while a request is served: a row of the table of
// routes has its counters, and a kind of error has its own.

// otherRoute is what requests are counted as that no row of the table is for: a path is whatever a client makes up.
const otherRoute = "other"

// observer counts requests. It may be used by any number of goroutines.
type observer struct {
	// set before serving
	rejections *metrics.Family
	routes     []*routeCounts // of the table, and of what is not in it
	others     map[string]*routeCounts
	rejected   map[*fault.Kind]*metrics.Counter

	slow   limiter // of lines about slow requests
	failed limiter // of lines about requests that failed for a reason that is known
}

func newObserver(table surface) *observer {
	o := &observer{
		rejections: metrics.NewFamily(counter("flashq_rejected_total",
			"Answers with an error, by its code, "+
				"those to connections that no request was read of among them.")),
		others: map[string]*routeCounts{}, rejected: map[*fault.Kind]*metrics.Counter{},
	}
	for i := range table {
		table[i].counts = o.count(table[i].method, table[i].pattern)
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", otherMethod} {
		o.others[method] = o.count(method, otherRoute)
	}
	for _, k := range fault.Kinds() {
		o.rejected[k] = o.rejections.Counter("reason", k.Code) // two kinds may share a code
	}
	return o
}

// otherMethod stands for every method that HTTP's usual ones are not.
const otherMethod = "other"

func (o *observer) count(method, route string) *routeCounts {
	c := &routeCounts{method: method, route: route}
	o.routes = append(o.routes, c)
	return c
}

// other gives the counts of what has no row.
func (o *observer) other(method string) *routeCounts {
	if c := o.others[method]; c != nil {
		return c
	}
	return o.others[otherMethod]
}

// overloaded is how many answers said 429.
func (o *observer) overloaded() int64 { return int64(o.rejected[fault.Overloaded].Get()) }

// write adds what was counted to a page.
func (o *observer) write(p *metrics.Page) {
	requests := p.Part(counter("flashq_http_requests_total",
		"Requests that were answered, by the template of their route; "+
			"connections refused before one was read are none."))
	durations := p.Part(metrics.Desc{
		Name: "flashq_http_request_duration_seconds", Kind: metrics.HistogramKind,
		Help: "How long requests took from their head to their answer, without what long polls waited for records.",
	})
	var routes []string
	took, sums := map[string]*metrics.Counts{}, map[string]time.Duration{}
	for _, r := range o.routes {
		if r.write(requests); took[r.route] == nil {
			routes, took[r.route] = append(routes, r.route), new(metrics.Counts)
		}
		sums[r.route] += r.answers.Took(took[r.route])
	}
	for _, route := range routes { // whose methods are one
		durations.Histogram(took[route], sums[route], "route", route)
	}
	p.Add(o.rejections)
}

// routeCounts is what is counted of one row of the table.
type routeCounts struct {
	method, route string
	answers       metrics.Answers
}

// add counts an answer.
func (r *routeCounts) add(head bool, status int, took time.Duration) {
	slot := slotOf(status)
	if head {
		slot += statusSlots
	}
	r.answers.Add(slot, took)
}

func (r *routeCounts) write(to *metrics.Part) {
	kinds, _ := r.answers.Kinds()
	for slot, n := range kinds {
		if n == 0 {
			continue
		}
		method := r.method
		if slot >= statusSlots {
			method = fasthttp.MethodHead
		}
		status := statusName(slot % statusSlots)
		to.Int(metrics.AppendLabels(nil, "route", r.route, "method", method, "status", status), n)
	}
}

// statuses are those that the server answers with; a status that is none of them counts as 0.
var statuses = func() (all []int) {
	seen := map[int]bool{}
	for _, k := range fault.Kinds() {
		seen[k.Status] = true
	}
	for _, s := range []int{fasthttp.StatusOK, fasthttp.StatusCreated, fasthttp.StatusNoContent} {
		seen[s] = true
	}
	for s := range 600 {
		if seen[s] {
			all = append(all, s)
		}
	}
	return all
}()

// statusSlots is more than there are statuses.
const statusSlots = metrics.Slots / 2

// slots has the place of each status.
var slots = func() (at [600]uint8) {
	for i, s := range statuses {
		at[s] = uint8(i + 1)
	}
	return at
}()

func slotOf(status int) int {
	if status < 0 || status >= len(slots) {
		return 0
	}
	return int(slots[status])
}

func statusName(slot int) string {
	if slot == 0 {
		return "other"
	}
	return strconv.Itoa(statuses[slot-1])
}

// steady is a clock that nobody sets; looking at it costs half of what time.Now does.
func steady() time.Duration { return time.Since(clockStart) }

var clockStart = time.Now()

// seen is what is noted of a request while it is served. It belongs to the request's goroutine.
type seen struct {
	counts  *routeCounts  // of its row; nil: it has none
	began   time.Duration // of the steady clock
	waited  time.Duration // for records
	arrived time.Time     // when its body was read; the zero time: nobody looked
	in      int           // bytes of its body that were read
}

// observe counts a request that is through.
func (s *Server) observe(c *call) {
	took := steady() - c.seen.began
	counts := c.seen.counts
	if counts == nil {
		counts = s.observer.other(string(c.ctx.Method()))
	}
	worked := took - c.seen.waited
	counts.add(c.ctx.IsHead() && counts.method == fasthttp.MethodGet, c.ctx.Response.StatusCode(), worked)
	if s.cfg.AccessLog != nil {
		s.logAccess(c, counts, took)
	}
	if worked >= s.cfg.SlowRequest {
		s.logSlow(c, counts, took)
	}
}

// observeUnread counts an answer to what was not read as a request.
func (s *Server) observeUnread(ctx *fasthttp.RequestCtx) {
	s.observe(&call{ctx: ctx, seen: seen{began: steady(), counts: s.observer.other("")}})
}

// observeJudged counts an answer that a head got before its body.
func (s *Server) observeJudged(ctx *fasthttp.RequestCtx, v verdict) {
	path, _, _ := bytes.Cut(ctx.Request.Header.RequestURI(), []byte{'?'})
	counts := s.observer.other(string(ctx.Method()))
	if row := s.table.find(string(ctx.Method()), string(path)); row != nil {
		counts = row.counts
	}
	s.observe(&call{ctx: ctx, who: v.who, seen: seen{began: v.began, counts: counts}})
}
