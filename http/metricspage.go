package http

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/metrics"
	"flashq/slab"
)

// mostPage bounds the page of metrics: a monitoring system would not take a larger one, either.
const mostPage = 64 << 20

// metricsPage is GET /metrics. It is open while the engine recovers, with what is known by then.
func (s *Server) metricsPage(c *call) (any, error) {
	hold := s.holdAnswer(c.ctx)
	defer hold.End()
	text, err := s.pages.get(c, &hold, s.writePage)
	if err != nil {
		return nil, err
	}
	c.ctx.Response.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentType(metrics.ContentType)
	conn.Lend(c.ctx, text, &hold)
	return nil, nil
}

// writePage writes all of it.
func (s *Server) writePage(p *metrics.Page, c *call) error {
	var gauges broker.Gauges
	if s.life.opened.Load() {
		gauges = s.cfg.Broker.Gauges()
	}
	s.writeServer(p, &gauges)
	s.observer.write(p)
	s.cfg.Metrics.WriteTo(p)
	if s.life.opened.Load() {
		writeStorage(p, &gauges)
		topics, err := s.writeTopics(p, c)
		if err != nil {
			return err
		}
		if err := s.writeGroups(p, c, topics); err != nil {
			return err
		}
	}
	metrics.WriteRuntime(p)
	if p.Full() {
		return fault.Overloaded.New(fmt.Sprintf("The page of metrics has no room: it may have %d bytes, and too many bytes "+
			"of answers may be under way; --metrics-topics=false makes it small", mostPage), nil)
	}
	return nil
}

func gauge(name, help string) metrics.Desc {
	return metrics.Desc{Name: name, Kind: metrics.GaugeKind, Help: help}
}

func counter(name, help string) metrics.Desc {
	return metrics.Desc{Name: name, Kind: metrics.CounterKind, Help: help}
}

// writeServer writes what the server knows by itself.
func (s *Server) writeServer(p *metrics.Page, g *broker.Gauges) {
	version := metrics.AppendLabels(nil, "version", s.cfg.Version)
	p.Part(gauge("flashq_build_info", "The version, as a label.")).Int(version, 1)
	s.writeReady(p)
	b := &s.bounds
	p.One(gauge("flashq_waiting_fetches", "Fetches that wait for records."), float64(b.waiters.Used()))
	p.One(gauge("flashq_open_streams", "Live streams that are open."), float64(b.streams.Used()))
	p.One(gauge("flashq_open_connections", "Connections that are open, those of streams among them."),
		float64(s.openConnections()))
	p.One(gauge("flashq_inflight_bytes", "Bytes of bodies that are not appended yet."), float64(b.inflight.Used()))
	p.One(gauge("flashq_answer_bytes", "Bytes of answers that are built or not sent yet."), float64(b.answers.Used()))
	if s.cfg.AccessDropped != nil {
		p.One(counter("flashq_access_log_dropped_total", "Lines of the access log that were not written."),
			float64(s.cfg.AccessDropped()))
	}
	s.writeLimits(p, g)
}

// notReady are the reasons that /ready gives.
var notReady = []*fault.Kind{fault.Recovering, fault.Draining, fault.DiskFull, fault.StorageError}

func (s *Server) writeReady(p *metrics.Page) {
	reason := s.reason()
	ready := 0.0
	if reason == "" {
		ready = 1
	}
	p.One(gauge("flashq_ready", "1 while the broker takes writes, as /ready says."), ready)
	why := p.Part(gauge("flashq_not_ready", "1 for the reason why the broker takes no writes."))
	for _, k := range notReady {
		is := int64(0)
		if reason == k.Code {
			is = 1
		}
		why.Int(metrics.AppendLabels(nil, "reason", k.Code), is)
	}
}

// openConnections are those of streams, and those that wait for a request, too.
func (s *Server) openConnections() int64 {
	all, _ := s.bounds.shares.Open()
	return int64(all)
}

// writeLimits writes how much there is of what clients can make the broker hold, and how much there may be, by the flag
// that says so.
func (s *Server) writeLimits(p *metrics.Page, g *broker.Gauges) {
	used := p.Part(gauge("flashq_limit_used", "How much there is of what has a bound, by the flag that sets it."))
	limit := p.Part(gauge("flashq_limit", "How much there may be of it."))
	add := func(bound string, b broker.Bounded) {
		if b.Limit > 0 {
			labels := metrics.AppendLabels(nil, "bound", bound)
			used.Int(labels, b.Used)
			limit.Int(labels, b.Limit)
		}
	}
	b := &s.bounds
	add("max-waiters", broker.Bounded{Used: b.waiters.Used(), Limit: b.waiters.Limit()})
	add("max-streams", broker.Bounded{Used: b.streams.Used(), Limit: b.streams.Limit()})
	all, ofOne := b.shares.Open()
	add("max-connections", broker.Bounded{Used: int64(all), Limit: int64(s.cfg.MaxConnections)})
	add("max-connections-per-address", broker.Bounded{Used: int64(ofOne), Limit: int64(s.cfg.MaxConnectionsPerAddress)})
	add("max-inflight-bytes", broker.Bounded{
		Used: max(b.inflight.Used(), b.answers.Used()), Limit: b.inflight.Limit(),
	})
	add("max-topics", g.Topics)
	add("max-partitions-total", g.Partitions)
	add("max-groups", g.Groups)
	add("max-commits", g.Commits)
	add("max-idempotency-keys", g.Keys)
	add("max-producers", g.Producers)
	add("member-topics", g.MemberTopics)
	add("memory-bytes", g.Memory)
}

// writeStorage writes what the engine says of all of it.
func writeStorage(p *metrics.Page, g *broker.Gauges) {
	p.One(gauge("flashq_recovery_seconds", "How long the start took to read what was stored."), g.Recovery.Seconds())
	p.One(gauge("flashq_damaged_ranges", "Ranges of offsets that the start found damaged."), float64(g.DamagedRanges))
	p.One(gauge("flashq_failed_partitions", "Partitions that take no writes until the broker starts again."),
		float64(g.FailedPartitions))
	p.One(gauge("flashq_full_partitions", "Partitions that found no room on the disk lately."), float64(g.FullPartitions))
	p.One(gauge("flashq_topics", "Topics that exist."), float64(g.Topics.Used))
	p.One(gauge("flashq_partitions", "Partitions that exist."), float64(g.Partitions.Used))
	p.One(gauge("flashq_groups", "Consumer groups that are stored."), float64(g.Groups.Used))
}

// topicParts are the families of topics.
type topicParts struct {
	recordsIn, bytesIn, recordsOut, bytesOut, storage *metrics.Part
	earliest, high                                    *metrics.Part
}

// writeTopics writes the figures of topics and partitions, or their sums.
func (s *Server) writeTopics(p *metrics.Page, c *call) (topics map[string]broker.Topic, err error) {
	t := topicParts{
		recordsIn:  p.Part(counter("flashq_records_produced_total", "Records that were stored.")),
		bytesIn:    p.Part(counter("flashq_bytes_produced_total", "Bytes of records that were stored.")),
		recordsOut: p.Part(counter("flashq_records_consumed_total", "Records that were sent to readers.")),
		bytesOut:   p.Part(counter("flashq_bytes_consumed_total", "Bytes of records that were sent to readers.")),
		storage:    p.Part(gauge("flashq_storage_bytes", "Bytes of segments.")),
		earliest:   p.Part(gauge("flashq_partition_earliest_offset", "Offset of the earliest record that is kept.")),
		high:       p.Part(gauge("flashq_partition_high_water_mark", "Offset of the next record to be written.")),
	}
	topics = map[string]broker.Topic{}
	all := int64(0)
	s.cfg.Broker.EachTopic(func(topic broker.Topic) bool {
		if err = c.left(); err != nil || p.Full() {
			return false
		}
		topics[topic.Name()] = topic
		all += t.add(topic, s.cfg.NoTopicMetrics)
		return true
	})
	if s.cfg.NoTopicMetrics {
		t.traffic(nil, &s.cfg.Metrics.Topics.All)
		t.storage.Int(nil, all)
	}
	return topics, err
}

// add writes a topic, or only adds its bytes up.
func (t *topicParts) add(topic broker.Topic, sumOnly bool) (bytes int64) {
	var room [320]byte
	for partition := range topic.Config().Partitions {
		g := topic.Glance(partition)
		bytes += g.Bytes
		if sumOnly || g.Down && g.HighWatermark == 0 { // of one that never opened nothing is known
			continue
		}
		labels := partitionLabels(room[:0], topic.Name(), partition)
		t.earliest.Int(labels, g.LogStart)
		t.high.Int(labels, g.HighWatermark)
	}
	if !sumOnly {
		labels := metrics.AppendLabels(room[:0], "topic", topic.Name())
		t.traffic(labels, topic.Traffic())
		t.storage.Int(labels, bytes)
	}
	return bytes
}

func (t *topicParts) traffic(labels []byte, of *metrics.Traffic) {
	f := of.Flows()
	t.recordsIn.Int(labels, f.RecordsIn)
	t.bytesIn.Int(labels, f.BytesIn)
	t.recordsOut.Int(labels, f.RecordsOut)
	t.bytesOut.Int(labels, f.BytesOut)
}

// join puts a page into one slab.
func join(p *metrics.Page) []byte { return p.AppendTo(slab.Get(p.Size())) }
