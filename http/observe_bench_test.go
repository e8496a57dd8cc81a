package http

import (
	"context"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"flashq/actor"
	"flashq/broker"
	"flashq/metrics"
)

// BenchmarkObserve is what counting costs a request: two looks at the clock, three counters and two histograms.
func BenchmarkObserve(b *testing.B) {
	s := New(Config{})
	ctx := &fasthttp.RequestCtx{}
	ctx.Response.SetStatusCode(200)
	counts := s.table.find("POST", "/topics/t/records").counts
	traffic := s.cfg.Metrics.Topics.Topic("t")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		c := &call{ctx: ctx}
		for p.Next() {
			c.seen = seen{began: steady(), counts: counts}
			traffic.Produced(1, 100)
			s.observe(c)
		}
	})
}

// TestObserveIsCheap: what is counted of every request takes no memory.
func TestObserveIsCheap(t *testing.T) {
	s := New(Config{})
	ctx := &fasthttp.RequestCtx{}
	counts := s.table.find("POST", "/topics/t/records").counts
	c := &call{ctx: ctx}
	allocs := testing.AllocsPerRun(100, func() {
		c.seen = seen{began: steady(), counts: counts}
		s.observe(c)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// BenchmarkMetricsPage is a page of as many topics as there may be, with one group that reads them all.
func BenchmarkMetricsPage(b *testing.B) {
	for name, sums := range map[string]bool{"topics": false, "sums": true} {
		b.Run(name, func(b *testing.B) {
			counted := metrics.NewEngine()
			engine, err := actor.Open(actor.Config{MaxTopics: 10_000, Metrics: counted})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = engine.Close() })
			commit := broker.Commit{Group: "group-1", Create: true}
			for i := range 10_000 {
				topic := fmt.Sprintf("some.topic.%05d", i)
				if _, _, err := engine.CreateTopic(context.Background(), topic, broker.TopicChange{}); err != nil {
					b.Fatal(err)
				}
				commit.Offsets = append(commit.Offsets, broker.CommitOffset{Topic: topic})
			}
			if _, err := engine.Commit(context.Background(), commit); err != nil {
				b.Fatal(err)
			}
			s := New(Config{Broker: engine, Metrics: counted, NoTopicMetrics: sums})
			c := &call{ctx: &fasthttp.RequestCtx{}}
			size := 0
			b.ReportAllocs()
			for b.Loop() {
				p := metrics.NewPage(func(int) bool { return true })
				if err := s.writePage(p, c); err != nil {
					b.Fatal(err)
				}
				size = p.Size()
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}

// BenchmarkSteady is one look at the clock, of which a request takes two.
func BenchmarkSteady(b *testing.B) {
	for b.Loop() {
		_ = steady()
	}
}
