package loadtest

import "time"

// Live is how a measurement goes at the moment: what a terminal shows while it runs.
type Live struct {
	Name          string  // of the side
	Round, Rounds int     // Round counts from 1
	Done          float64 // share of this measurement, 0 to 1
	Records       float64 // per second, over the last second
	Bytes         float64
	P99           time.Duration // of the last second
	Errors        int64         // so far
	Refused       int64         // 429 and 503 so far
	Left          time.Duration // until this measurement's end; negative while unknown
	Rates         []float64     // records a second, of the seconds so far
}

// watcher turns a phase's progress into what the caller wants to see; nil where it wants nothing.
func (r *run) watcher(name string, round int) func(progress) {
	if r.Live == nil {
		return nil
	}
	return func(p progress) {
		l := Live{Name: name, Round: round + 1, Rounds: r.Rounds, Done: p.done, P99: p.recent.quantile(99),
			Errors: p.total.failures(), Left: -1}
		if p.over > 0 {
			l.Records, l.Bytes = float64(p.recent.records)/p.over, float64(p.recent.bytes)/p.over
		}
		for _, n := range p.total.refusal {
			l.Refused += n
		}
		if p.done > 0.01 {
			l.Left = time.Duration(float64(p.elapsed) * (1 - p.done) / p.done)
		}
		for _, s := range p.seconds {
			l.Rates = append(l.Rates, float64(s.Records)/s.Seconds)
		}
		r.Live(l)
	}
}
