package http

import (
	"sync"
	"time"

	"flashq/broker"
	"flashq/metrics"
)

// rates knows how much went on in the last seconds. One goroutine looks at all counters once a second; what it keeps is
// of those topics alone through which something went in the last minute.
type rates struct {
	mu     sync.Mutex
	ticks  int
	ticked chan struct{} // closed at the next tick
	all    flow
	last   map[*metrics.Traffic]known // of every topic, at the last tick
	topics map[*metrics.Traffic]*flow // of those that are busy
	asked  rate
	busy   rate // answers that say 429
	routes []routeRate
}

// known is what a topic had counted at a tick.
type known struct {
	flows metrics.Flows
	tick  int
}

// flow is the rates of some traffic.
type flow struct {
	series [4]metrics.Series // as each gives the counters
	latest [4]metrics.Rates
	idle   int // ticks since the last change
	seen   int // the tick at which it was there last
}

// rate is that of one counter.
type rate struct {
	series metrics.Series
	latest metrics.Rates
	total  int64
}

func (r *rate) tick(total int64) {
	r.latest = r.series.Tick(total)
	r.total = total
}

// routeRate is how often a route was asked for, and how long that took lately.
type routeRate struct {
	rate

	past [lookBack]*metrics.Counts // of every tenth second, a ring; nil: nothing had been counted
}

// lookBack is over how many times ten seconds quantiles are.
const lookBack = 6

// idleTicks is after how long nothing has gone through a topic in the widest window.
const idleTicks = 61

func newRates(routes int) *rates {
	return &rates{
		ticked: make(chan struct{}), last: map[*metrics.Traffic]known{},
		topics: map[*metrics.Traffic]*flow{}, routes: make([]routeRate, routes),
	}
}

// countRates looks at the counters once a second, until stop is closed.
func (s *Server) countRates(stop <-chan struct{}) {
	ticker := time.NewTicker(s.cfg.tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.tick()
		case <-stop:
			return
		}
	}
}

// tick takes all counters. Called by one goroutine.
func (s *Server) tick() {
	r := s.rates
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
	r.all.tick(s.cfg.Metrics.Topics.All.Flows())
	if s.life.opened.Load() {
		r.tickTopics(s.cfg.Broker)
	}
	asked := int64(0)
	for i, counts := range s.observer.routes {
		_, n := counts.answers.Kinds()
		asked += n
		r.routes[i].tick(n)
		if n > 0 && r.ticks%10 == 0 {
			r.routes[i].remember(r.ticks/10, &counts.answers)
		}
	}
	r.asked.tick(asked)
	r.busy.tick(s.observer.overloaded())
	close(r.ticked)
	r.ticked = make(chan struct{})
}

// tickTopics takes the counters of all topics, and forgets those that are not there any more.
func (r *rates) tickTopics(b broker.Figures) {
	there := 0
	b.EachTopic(func(t broker.Topic) bool {
		r.topic(t.Traffic())
		there++
		return true
	})
	for of, f := range r.topics {
		if f.seen != r.ticks || f.idle >= idleTicks {
			delete(r.topics, of)
		}
	}
	if len(r.last) == there {
		return
	}
	for of, k := range r.last {
		if k.tick != r.ticks {
			delete(r.last, of)
		}
	}
}

// topic takes the counters of one topic.
func (r *rates) topic(of *metrics.Traffic) {
	before, now := of.Begins(), of.Flows()
	if k, ok := r.last[of]; ok {
		before = k.flows
	}
	r.last[of] = known{now, r.ticks}
	f := r.topics[of]
	if f == nil {
		if before == now {
			return
		}
		f = &flow{}
		for i, n := range counters(before) {
			f.series[i].Begin(n)
		}
		r.topics[of] = f
	}
	if f.seen = r.ticks; before == now {
		f.idle++
	} else {
		f.idle = 0
	}
	f.tick(now)
}

func (f *flow) tick(now metrics.Flows) {
	for i, n := range counters(now) {
		f.latest[i] = f.series[i].Tick(n)
	}
}

// counters gives all counters in one order.
func counters(f metrics.Flows) [4]int64 {
	return [4]int64{f.RecordsIn, f.BytesIn, f.RecordsOut, f.BytesOut}
}

// remember keeps how long answers took, in the place of what was known a minute ago.
func (r *routeRate) remember(turn int, a *metrics.Answers) {
	at := turn % lookBack
	if r.past[at] == nil {
		r.past[at] = new(metrics.Counts)
	}
	*r.past[at] = metrics.Counts{}
	a.Took(r.past[at])
}

// lately gives how long answers took in the last minute, of a route that was not asked for before since then.
func (r *routeRate) lately(ticks int, a *metrics.Answers) (c metrics.Counts, n uint64) {
	var now metrics.Counts
	a.Took(&now)
	return now.Since(r.past[(ticks/10+1)%lookBack])
}

// next is closed when there are newer figures.
func (r *rates) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ticked
}
