package drive

import (
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

// Progress is how a phase stands.
type Progress struct {
	Elapsed time.Duration
	Done    float64 // share, 0 to 1
	Recent  *Tally  // of the last second
	Over    float64 // seconds that recent is over
	Total   *Tally
	Seconds []Second
}

// sampleEvery is how often the tallies are looked at while a phase runs.
const sampleEvery = 200 * time.Millisecond

// sampler empties the loops' tallies while they count: into the sum, and into the current second.
type sampler struct {
	phase   *Phase
	parts   []*shared
	watch   func(Progress)
	began   int64 // of the current second
	current *Tally
	total   *Tally
	seconds []Second
	window  []window // the last ones, a second together
	quota   int64    // of requests, at the start
}

// window is what was collected at once.
type window struct {
	*Tally
	length float64
}

func newSampler(p *Phase, parts int, watch func(Progress)) *sampler {
	s := &sampler{phase: p, watch: watch, began: p.Start, current: NewTally(), total: NewTally(), quota: p.left.Load()}
	for range parts {
		s.parts = append(s.parts, &shared{Tally: *NewTally()})
	}
	return s
}

// until collects from time to time until all have ended, and gives what they ended with.
func (s *sampler) until(ended <-chan error) error {
	ticks := time.NewTicker(sampleEvery)
	defer ticks.Stop()
	last := s.began
	for {
		select {
		case <-ticks.C:
			now := Clock()
			s.collect(now, last)
			last = now
		case err := <-ended:
			s.collect(Clock(), last)
			s.close(Clock())
			return err
		}
	}
}

func (s *sampler) collect(now, last int64) {
	found := NewTally()
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
		last.Records += s.current.Records
		last.Bytes += s.current.Bytes
		last.Errors += s.current.Failures()
		return
	}
	s.seconds = append(s.seconds, Second{Seconds: length, Records: s.current.Records, Bytes: s.current.Bytes,
		P99: Micros(s.current.Quantile(99)), Errors: s.current.Failures()})
	s.began, s.current = now, NewTally()
}

func (s *sampler) tell(now int64, w window) {
	const most = int(time.Second / sampleEvery)
	if s.window = append(s.window, w); len(s.window) > most {
		s.window = s.window[1:]
	}
	p := Progress{Elapsed: time.Duration(now - s.phase.Start), Recent: NewTally(), Total: s.total, Seconds: s.seconds}
	for _, w := range s.window {
		p.Recent.merge(w.Tally)
		p.Over += w.length
	}
	p.Done = s.share(now)
	s.watch(p)
}

// share is how much of the phase is done: of its time, or of its requests, whichever is more.
func (s *sampler) share(now int64) float64 {
	done := 0.0
	if length := s.phase.until - s.phase.Start; s.phase.until < 1<<62 && length > 0 {
		done = float64(now-s.phase.Start) / float64(length)
	}
	if s.quota > 0 && s.quota < 1<<62 {
		done = max(done, 1-float64(max(s.phase.left.Load(), 0))/float64(s.quota))
	}
	return min(done, 1)
}
