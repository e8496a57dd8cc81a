package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// rates are what clients that want a number of records, not a time, reached at best.
type rates map[string]float64

// reached never lowers a rate: fewer records would be measured on a colder JVM, and be slower again.
func (r rates) reached(row string, rate float64) { r[row] = max(r[row], rate) }

// count is how many records take about so long. It is bounded: a guess may be far off.
func (r rates) count(row string, span time.Duration) int {
	return int(min(max(r[row]*span.Seconds(), 1000), 10e6))
}

// letters is a record's value: no two numbers below 26 have the same.
func letters(size, number int) []byte {
	value := make([]byte, size)
	x := uint32(number)*2654435761 + 1
	for i := range value {
		x = x*1664525 + 1013904223
		value[i] = 'a' + byte(x>>24)%26
	}
	return value
}

func repeat(n int, one call) []call {
	calls := make([]call, n)
	for i := range calls {
		calls[i] = one
	}
	return calls
}

var (
	produced = regexp.MustCompile(`(\d+) (steady state )?records sent, ([\d.]+) records/sec .* (\d+) ms 50th, ` +
		`\d+ ms 95th, (\d+) ms 99th`)
	errNothing = errors.New("a tool of Kafka's printed no result")
)

// readProducer takes the last summary of ProducerPerformance, which leaves out its warm-up.
func readProducer(out string) (float64, latency, error) {
	all := produced.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return 0, latency{}, fmt.Errorf("%w: %s", errNothing, out)
	}
	last := all[len(all)-1]
	var n [3]float64
	for i, text := range []string{last[3], last[4], last[5]} {
		n[i], _ = strconv.ParseFloat(text, 64) // digits, by the expression
	}
	us := func(ms float64) float64 { return 1000 * max(ms, 0.5) } // it tells whole ones, and 0 for less
	return n[0], latency{us(n[1]), us(n[2])}, nil
}

// point is one line of ConsumerPerformance: how many records it had, and when.
type point struct {
	at time.Time
	n  float64
}

// readConsumer takes the rate of ConsumerPerformance from its first report with records to its last: what comes before
// is joining its group. Of a run that is long enough, warm leaves out the first second as well, in which its JVM
// compiles.
func readConsumer(out string) (warm, whole float64, err error) {
	points, err := readPoints(out)
	if err != nil {
		return 0, 0, err
	}
	if len(points) < 2 {
		return 0, 0, fmt.Errorf("%w: %s", errNothing, out)
	}
	first, last := points[0], points[len(points)-1]
	rate := func(from point) float64 { return (last.n - from.n) / last.at.Sub(from.at).Seconds() }
	for _, p := range points {
		if p.at.Sub(first.at) >= time.Second && last.at.Sub(p.at) >= time.Second/2 {
			return rate(p), rate(first), nil
		}
	}
	return rate(first), rate(first), nil
}

func readPoints(out string) ([]point, error) {
	var points []point
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), ", ")
		if len(fields) != 10 {
			continue
		}
		at, err := time.Parse("2006-01-02 15.04.05.000", strings.Replace(fields[0], ":", ".", 3))
		if err != nil {
			return nil, fmt.Errorf("ConsumerPerformance: %w", err)
		}
		n, err := strconv.ParseFloat(fields[4], 64)
		if err != nil {
			return nil, fmt.Errorf("ConsumerPerformance: %w", err)
		}
		if n > 0 {
			points = append(points, point{at, n})
		}
	}
	return points, nil
}
