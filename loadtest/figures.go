package loadtest

import (
	"slices"
	"time"
)

// side adds samples up; nil where nothing was measured.
func (l Load) side(samples ...*sample) *Side {
	sum := sample{tally: newTally(), known: true}
	measured := false
	for _, s := range samples {
		if s == nil {
			continue
		}
		measured = true
		sum.merge(s.tally)
		sum.elapsed += s.elapsed
		sum.server += s.server
		sum.known = sum.known && s.known
		sum.generator += s.generator
	}
	if !measured {
		return nil
	}
	return l.sideOf(sum)
}

func (l Load) sideOf(s sample) *Side {
	records := s.ok * int64(l.Batch)
	side := &Side{
		Requests:          s.ok,
		Records:           records,
		Seconds:           s.elapsed.Seconds(),
		RequestsPerSecond: rate(s.ok, s.elapsed),
		RecordsPerSecond:  rate(records, s.elapsed),
		BytesPerSecond:    rate(records*int64(l.RecordBytes), s.elapsed),
		Latency: Latency{
			P50:  micros(s.quantile(50)),
			P99:  micros(s.quantile(99)),
			P999: micros(s.quantile(99.9)),
			Max:  micros(s.max),
		},
		Errors:       s.errorCounts(),
		GeneratorCPU: perRequest(s.generator, s.all()),
	}
	if s.known {
		cpu := perRequest(s.server, s.all())
		side.ServerCPU = &cpu
	}
	return side
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

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
	return micros(used) / float64(n)
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
