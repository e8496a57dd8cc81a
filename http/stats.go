package http

import (
	"time"

	"flashq/broker"
	"flashq/http/request"
	"flashq/http/schema"
	"flashq/metrics"
)

// Stats is the answer of GET /stats. Rates and quantiles are as of the last full second.
type Stats struct {
	Timestamp   timestamp    `json:"timestamp" doc:"when these figures were taken"`
	UptimeMs    int64        `json:"uptime_ms" doc:"since the broker started" example:"60000"`
	Total       TrafficStats `json:"total" doc:"of all topics, those that are gone included"`
	Topics      []TopicStats `json:"topics" doc:"by name"`
	Requests    CountStats   `json:"requests" doc:"that were answered"`
	Overloaded  CountStats   `json:"overloaded" doc:"answers that said 429"`
	Routes      []RouteStats `json:"routes" doc:"that were asked for"`
	Waiting     int64        `json:"waiting_fetches" doc:"fetches that wait for records" example:"3"`
	Streams     int64        `json:"open_streams" doc:"live streams that are open" example:"1"`
	Connections int64        `json:"open_connections" doc:"those of streams among them" example:"12"`
	Inflight    BoundStats   `json:"inflight_bytes" doc:"bytes of bodies that are not appended yet"`
	Answers     BoundStats   `json:"answer_bytes" doc:"bytes of answers that are built or not sent yet"`
	Storage     StorageStats `json:"storage" doc:"what is stored, and what is wrong with it"`
	Next        string       `json:"next,omitempty" doc:"the last topic, where there are more" example:"news"`
}

// CountStats is a counter and how much came to it per second.
type CountStats struct {
	Total     int64         `json:"total" doc:"since the broker started" example:"1200"`
	PerSecond metrics.Rates `json:"per_second" doc:"over the last second, ten and sixty"`
}

// TrafficStats is what went in and out. Bytes are those of records as they are stored.
type TrafficStats struct {
	RecordsIn  CountStats `json:"records_in" doc:"records that were stored"`
	BytesIn    CountStats `json:"bytes_in" doc:"their bytes as they are stored"`
	RecordsOut CountStats `json:"records_out" doc:"records that were read"`
	BytesOut   CountStats `json:"bytes_out" doc:"their bytes as they are stored"`
}

// TopicStats is one topic's.
type TopicStats struct {
	Topic        string `json:"topic" doc:"its name" example:"news"`
	Partitions   int    `json:"partitions" doc:"how many it has" example:"3"`
	StorageBytes int64  `json:"storage_bytes" doc:"of its segments" example:"4096"`
	TrafficStats
}

// RouteStats is one row of the table of routes. Quantiles are of the last minute, without what long polls waited for
// records.
type RouteStats struct {
	Method   string     `json:"method" doc:"of HTTP" example:"POST"`
	Route    string     `json:"route" doc:"the template" example:"/topics/{topic}/records"`
	Requests CountStats `json:"requests" doc:"that were answered"`
	P50Ms    float64    `json:"p50_ms" doc:"half of the last minute took no longer, waits left out" example:"0.21"`
	P99Ms    float64    `json:"p99_ms" doc:"99 of 100 took no longer" example:"1.4"`
	P999Ms   float64    `json:"p999_ms" doc:"999 of 1000 took no longer" example:"3.2"`
}

// BoundStats is how much there is of something, and how much there may be.
type BoundStats struct {
	Used  int64 `json:"used" doc:"now" example:"4096"`
	Limit int64 `json:"limit" doc:"at most" example:"268435456"`
}

// StorageStats is what is stored, and what is wrong with it.
type StorageStats struct {
	Topics           int64      `json:"topics" doc:"how many there are" example:"2"`
	Partitions       int64      `json:"partitions" doc:"of all topics" example:"4"`
	Groups           int64      `json:"groups" doc:"that are stored" example:"1"`
	Bytes            int64      `json:"bytes" doc:"of segments" example:"8192"`
	Memory           BoundStats `json:"memory" doc:"of --storage=memory; 0 else"`
	FailedPartitions int        `json:"failed_partitions" doc:"that take no writes until a restart" example:"0"`
	FullPartitions   int        `json:"full_partitions" doc:"that take no writes until the disk has room" example:"0"`
	Ready            bool       `json:"ready" doc:"whether writes are taken, as /ready says" example:"true"`
	NotReady         string     `json:"not_ready,omitempty" doc:"the reason that /ready gives" example:"disk_full"`
}

// mostStatsTopics bounds the topics of one answer.
const mostStatsTopics = 1000

// statsQuery is which topics are shown.
type statsQuery struct {
	window

	tokenGiven bool // in the query
}

var statsParams = request.Params[statsQuery]{
	{Name: "limit", Axis: "how much",
		Type: schema.Int(1, mostStatsTopics).Else(mostStatsTopics).Like(100).Says("how many topics at most"),
		Set: func(q *statsQuery, v request.Value) (err error) {
			q.limit, err = v.Int()
			return err
		}},
	{Name: "after", Axis: "how much", EmptyIsNone: true, Type: request.TopicName.Says("go on after this topic"),
		Set: func(q *statsQuery, v request.Value) error { return q.setAfter("topic", v) }},
	{Name: request.TokenParam, Axis: "access", Type: request.Token,
		Set: func(q *statsQuery, _ request.Value) error { q.tokenGiven = true; return nil }},
}

// stats is GET /stats: the figures once, or every second.
func (s *Server) stats(c *call, q statsQuery) (any, error) {
	if q.limit == 0 {
		q.limit = mostStatsTopics
	}
	media, err := request.Negotiate(c.head.Accept, request.JSONOrEvents)
	if err == nil {
		err = request.CheckToken(q.tokenGiven, media.Format, &c.head)
	}
	if err != nil {
		return nil, err
	}
	if media.Format == request.Events {
		return nil, s.streamStats(c, q)
	}
	return s.collectStats(q)
}

// collectStats takes all figures.
func (s *Server) collectStats(q statsQuery) (*Stats, error) {
	var topics []broker.Topic
	if s.life.opened.Load() { // while it recovers there is nothing to count
		var err error
		if topics, err = s.cfg.Broker.Topics(s.life.calls); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	b := &s.bounds
	st := &Stats{
		Timestamp: timestamp(now.UnixMilli()), UptimeMs: now.Sub(s.life.started).Milliseconds(), Topics: []TopicStats{},
		Routes: []RouteStats{}, Waiting: b.waiters.Used(), Streams: b.streams.Used(), Connections: s.openConnections(),
		Inflight: BoundStats{b.inflight.Used(), b.inflight.Limit()},
		Answers:  BoundStats{b.answers.Used(), b.answers.Limit()}, Storage: s.storageStats(),
	}
	shown, last := cut(q.window, topics, broker.Topic.Name)
	st.Next = last
	for _, t := range topics {
		st.Storage.Bytes += bytesOf(t)
	}
	s.rates.mu.Lock()
	defer s.rates.mu.Unlock()
	for _, t := range shown {
		line := TopicStats{Topic: t.Name(), Partitions: t.Config().Partitions, StorageBytes: bytesOf(t)}
		line.fill(t.Traffic(), s.rates.topics[t.Traffic()])
		st.Topics = append(st.Topics, line)
	}
	st.Total.fill(&s.cfg.Metrics.Topics.All, &s.rates.all)
	st.Requests, st.Overloaded = s.rates.asked.stats(), s.rates.busy.stats()
	for i, counts := range s.observer.routes {
		if r := &s.rates.routes[i]; r.total > 0 {
			st.Routes = append(st.Routes, r.route(s.rates.ticks, counts))
		}
	}
	return st, nil
}

func bytesOf(t broker.Topic) (n int64) {
	for p := range t.Config().Partitions {
		n += t.Glance(p).Bytes
	}
	return n
}

func (s *Server) storageStats() StorageStats {
	var g broker.Gauges
	if s.life.opened.Load() {
		g = s.cfg.Broker.Gauges()
	}
	st := StorageStats{
		Topics: g.Topics.Used, Partitions: g.Partitions.Used, Groups: g.Groups.Used,
		Memory: BoundStats(g.Memory), FailedPartitions: g.FailedPartitions, FullPartitions: g.FullPartitions,
	}
	st.NotReady = s.reason()
	st.Ready = st.NotReady == ""
	return st
}

// fill takes counters, and their rates where there are any.
func (t *TrafficStats) fill(of *metrics.Traffic, f *flow) {
	if f == nil {
		f = &flow{} // nothing went on
	}
	for i, n := range counters(of.Flows()) {
		*[]*CountStats{&t.RecordsIn, &t.BytesIn, &t.RecordsOut, &t.BytesOut}[i] = CountStats{n, f.latest[i]}
	}
}

func (r *rate) stats() CountStats { return CountStats{r.total, r.latest} }

func (r *routeRate) route(ticks int, counts *routeCounts) RouteStats {
	lately, n := r.lately(ticks, &counts.answers)
	quantile := func(q float64) float64 { return float64(lately.Quantile(q, n).Microseconds()) / 1000 }
	return RouteStats{
		Method: counts.method, Route: counts.route, Requests: r.stats(),
		P50Ms: quantile(.5), P99Ms: quantile(.99), P999Ms: quantile(.999),
	}
}
