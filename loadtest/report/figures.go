package report

import (
	"math"
	"slices"
	"time"

	"flashq/loadtest/drive"
)

func sideOf(name string, s drive.Sample) *Side {
	side := &Side{
		Name:        name,
		Sent:        s.Sent,
		OK:          s.OK,
		Failed:      s.Failures(),
		Retried:     s.Retried,
		Refused:     s.RefusalCounts(),
		Errors:      s.ErrorCounts(),
		Unsent:      s.Unsent,
		Records:     s.Records,
		Seconds:     s.Elapsed.Seconds(),
		Requests:    rate(s.OK, s.Elapsed),
		PerSec:      perSecond(s),
		Bytes:       rate(s.Bytes, s.Elapsed),
		Latency:     latencyOf(s.Tally),
		ClientCPU:   perRequest(s.Generator, s.All()),
		ClientCores: cores(s.Generator, s.Elapsed),
	}
	if s.Known {
		perRequest, busy := perRequest(s.Server, s.All()), cores(s.Server, s.Elapsed)
		side.ServerCPU, side.ServerCores = &perRequest, &busy
	}
	return side
}

func latencyOf(t *drive.Tally) Latency {
	at := func(percent float64) float64 { return drive.Micros(t.Quantile(percent)) }
	return Latency{
		Mean: t.Latency.Mean() / float64(time.Microsecond),
		P50:  at(50), P75: at(75), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), Max: drive.Micros(t.Max),
	}
}

// perSecond finds the slowest and the fastest second; a run without a whole one has the average alone.
func perSecond(s drive.Sample) PerSecond {
	p := PerSecond{Average: rate(s.Records, s.Elapsed)}
	for _, one := range s.Seconds {
		if one.Seconds < 0.8 {
			continue
		}
		r := float64(one.Records) / one.Seconds
		if p.Max == 0 || r < p.Min {
			p.Min = r
		}
		p.Max = max(p.Max, r)
	}
	if p.Max == 0 {
		p.Min, p.Max = p.Average, p.Average
	}
	return p
}

// detail adds what plots are drawn from.
func (side *Side) detail(s drive.Sample) {
	side.Timeline = s.Seconds
	for _, percent := range curve {
		side.Percentiles = append(side.Percentiles, Point{percent, drive.Micros(s.Quantile(percent))})
	}
	side.Histogram = histogram(s.Tally)
}

// curve is where the percentile curve is drawn.
var curve = []float64{0, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5,
	99.7, 99.8, 99.9, 99.95, 99.99, 99.999, 100}

// barWidth is what a bar of the histogram ends at, divided by where it begins.
var barWidth = math.Pow(10, 1.0/8)

// histogram sorts latencies into bars of the same width on a logarithmic scale, from the first that has any to the
// last.
func histogram(t *drive.Tally) []Bar {
	var bars []Bar
	for _, b := range t.Latency.Distribution() {
		if b.Count == 0 {
			continue
		}
		at := math.Floor(math.Log(float64(b.From+b.To)/2000) / math.Log(barWidth))
		from := math.Pow(barWidth, at)
		for len(bars) > 0 && bars[len(bars)-1].To < from*0.99 { // a gap
			last := bars[len(bars)-1]
			bars = append(bars, Bar{From: last.To, To: last.To * barWidth})
		}
		if len(bars) == 0 || bars[len(bars)-1].From < from*0.99 {
			bars = append(bars, Bar{From: from, To: from * barWidth})
		}
		bars[len(bars)-1].Count += b.Count
	}
	return bars
}

// cores is how many processors were busy.
func cores(used, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return used.Seconds() / elapsed.Seconds()
}

func rate(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// perRequest is microseconds of CPU time for each of n requests.
func perRequest(used time.Duration, n int64) float64 {
	if n == 0 {
		return 0
	}
	return drive.Micros(used) / float64(n)
}

// ratio is a/b where both are known and it makes sense.
func ratio(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	q := *a / *b
	return &q
}

// spread is the median (the mean of the middle two of an even number), least and largest of the known ones.
func spread(values []*float64) *Spread {
	var known []float64
	for _, v := range values {
		if v != nil {
			known = append(known, *v)
		}
	}
	if len(known) == 0 {
		return nil
	}
	slices.Sort(known)
	n := len(known)
	return &Spread{Median: (known[(n-1)/2] + known[n/2]) / 2, Min: known[0], Max: known[n-1]}
}
