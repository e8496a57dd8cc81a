package loadtest

import (
	"sync"
	"time"
)

// Second is what happened in one second of a measurement; the last one is shorter.
type Second struct {
	Seconds float64 `json:"seconds"` // its length
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	P99     float64 `json:"p99_us"`
	Errors  int64   `json:"errors,omitempty"`
}

// progress is how a phase stands.
type progress struct {
	elapsed time.Duration
	done    float64 // share, 0 to 1
	recent  *tally  // of the last second
	over    float64 // seconds that recent is over
	total   *tally
	seconds []Second
}

// sampler empties the loops' tallies while they count: into the sum, and into the current second.
type sampler struct {
	phase   *phase
	parts   []*shared
	watch   func(progress)
	began   int64 // of the current second
	current *tally
	total   *tally
	seconds []Second
	window  []window // the last ones, a second together
	quota   int64    // of requests, at the start
}

// window is what one look found.
type window struct {
	*tally
	length float64
}

func newSampler(p *phase, loops int, watch func(progress)) *sampler {
	s := &sampler{phase: p, watch: watch, began: p.start, current: newTally(), total: newTally(), quota: p.left.Load()}
	for range loops {
		s.parts = append(s.parts, &shared{tally: *newTally()})
	}
	return s
}

// until looks from time to time until all have ended.
func (s *sampler) until(all *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	ticks := time.NewTicker(sampleEvery)
	defer ticks.Stop()
	last := s.began
	for {
		select {
		case <-ticks.C:
			now := clock()
			s.look(now, last)
			last = now
		case <-ended:
			s.look(clock(), last)
			s.close(clock())
			return
		}
	}
}

func (s *sampler) look(now, last int64) {
	found := newTally()
	for _, p := range s.parts {
		p.Lock()
		p.drain(found)
		p.Unlock()
	}
	s.current.merge(found)
	s.total.merge(found)
	if s.watch != nil {
		s.tell(now, window{found, time.Duration(now - last).Seconds()})
	}
	if now-s.began >= int64(time.Second)-int64(sampleEvery)/2 {
		s.close(now)
	}
}

// close ends the current second.
func (s *sampler) close(now int64) {
	length := time.Duration(now - s.began).Seconds()
	if n := len(s.seconds); n > 0 && length < 1.5*sampleEvery.Seconds() { // a phase that ended with a second
		last := &s.seconds[n-1]
		last.Seconds += length
		last.Records += s.current.records
		last.Bytes += s.current.bytes
		last.Errors += s.current.failures()
		return
	}
	s.seconds = append(s.seconds, Second{Seconds: length, Records: s.current.records, Bytes: s.current.bytes,
		P99: micros(s.current.quantile(99)), Errors: s.current.failures()})
	s.began, s.current = now, newTally()
}

func (s *sampler) tell(now int64, w window) {
	const most = int(time.Second / sampleEvery)
	if s.window = append(s.window, w); len(s.window) > most {
		s.window = s.window[1:]
	}
	p := progress{elapsed: time.Duration(now - s.phase.start), recent: newTally(), total: s.total, seconds: s.seconds}
	for _, w := range s.window {
		p.recent.merge(w.tally)
		p.over += w.length
	}
	p.done = s.share(now)
	s.watch(p)
}

// share is how much of the phase is done: of its time, or of its requests, whichever is more.
func (s *sampler) share(now int64) float64 {
	done := 0.0
	if length := s.phase.until - s.phase.start; s.phase.until < 1<<62 && length > 0 {
		done = float64(now-s.phase.start) / float64(length)
	}
	if s.quota > 0 && s.quota < 1<<62 {
		done = max(done, 1-float64(max(s.phase.left.Load(), 0))/float64(s.quota))
	}
	return min(done, 1)
}
