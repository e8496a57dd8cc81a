package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// chartsOf are the plots of a report, by the name of their file.
func (r *Report) charts() []namedChart {
	own := r.Own()
	if own == nil {
		return nil
	}
	return []namedChart{
		{"rate", r.rateChart()},
		{"percentiles", r.percentileChart()},
		{"histogram", histogramChart(own)},
	}
}

type namedChart struct {
	name string
	chart
}

// rateChart is records a second over time, of all sides; their rounds stand one after the other.
func (r *Report) rateChart() chart {
	c := chart{title: r.Workload + ": rate over time", x: "seconds measured", y: "records/s"}
	longest, most := 0.0, 0.0
	for _, s := range r.Sides {
		l := line{name: s.Name}
		at := 0.0
		for _, one := range s.Timeline {
			if one.Seconds <= 0 {
				continue
			}
			rate := float64(one.Records) / one.Seconds
			l.points = append(l.points, [2]float64{at, rate}, [2]float64{at + one.Seconds, rate})
			at += one.Seconds
			most = math.Max(most, rate)
		}
		longest = math.Max(longest, at)
		c.lines = append(c.lines, l)
	}
	c.xs, c.ys = linear(longest, plainNumber), linear(most, Count)
	c.xs.to = math.Max(longest, 0.1)
	for len(c.xs.ticks) > 1 && c.xs.ticks[len(c.xs.ticks)-1].at > c.xs.to {
		c.xs.ticks = c.xs.ticks[:len(c.xs.ticks)-1]
	}
	return c
}

// percentileChart is the latency that a share of requests did not exceed; the nearer to all, the wider it is drawn.
func (r *Report) percentileChart() chart {
	c := chart{title: r.Workload + ": latency by percentile", x: "percentile", y: "latency"}
	least, most := math.Inf(1), 0.0
	for _, s := range r.Sides {
		l := line{name: s.Name}
		for _, p := range s.Percentiles {
			l.points = append(l.points, [2]float64{nines(p.Percent), p.Micros})
			least, most = math.Min(least, p.Micros), math.Max(most, p.Micros)
		}
		c.lines = append(c.lines, l)
	}
	c.ys = logarithmic(least, most, roundSpan)
	c.xs = axis{to: nines(99.999)}
	for _, percent := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		c.xs.ticks = append(c.xs.ticks, tick{nines(percent), plainNumber(percent)})
	}
	return c
}

// nines is how many nines a percentage has.
func nines(percent float64) float64 { return -math.Log10(1 - math.Min(percent, 99.999)/100) }

func histogramChart(s *Side) chart {
	c := chart{title: s.Name + ": latency histogram", x: "latency", y: "requests", bars: s.Histogram}
	if s.Name == EndToEnd || s.Name == Subscribe {
		c.y = "records"
	}
	most := 0.0
	for _, b := range s.Histogram {
		most = math.Max(most, float64(b.Count))
	}
	c.ys, c.xs = linear(most, Count), logarithmic(1, 10, roundSpan)
	if n := len(s.Histogram); n > 0 {
		c.xs = logarithmic(s.Histogram[0].From, s.Histogram[n-1].To, roundSpan)
	}
	return c
}

func plainNumber(f float64) string { return fmt.Sprintf("%g", f) }

// WriteSVGs writes the plots to files of a folder, which is made if need be.
func (r *Report) WriteSVGs(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err // it names the folder
	}
	for _, c := range r.charts() {
		if err := os.WriteFile(filepath.Join(folder, r.Workload+"-"+c.name+".svg"), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
