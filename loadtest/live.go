package loadtest

import (
	"time"

	"flashq/loadtest/drive"
)

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

// live is what a phase's progress tells.
func live(name string, round, rounds int, p drive.Progress) Live {
	l := Live{Name: name, Round: round, Rounds: rounds, Done: p.Done, P99: p.Recent.Quantile(99),
		Errors: p.Total.Failures(), Left: -1}
	if p.Over > 0 {
		l.Records, l.Bytes = float64(p.Recent.Records)/p.Over, float64(p.Recent.Bytes)/p.Over
	}
	for _, n := range p.Total.Refusal {
		l.Refused += n
	}
	if p.Done > 0.01 {
		l.Left = time.Duration(float64(p.Elapsed) * (1 - p.Done) / p.Done)
	}
	for _, s := range p.Seconds {
		l.Rates = append(l.Rates, float64(s.Records)/s.Seconds)
	}
	return l
}
