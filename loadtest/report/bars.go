package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/guptarohit/asciigraph"
)

const (
	plotWidth  = 60
	plotHeight = 8
)

// plots are the terminal's: records over time where there are some seconds, and the histogram of latencies.
func (r *Report) plots(s *Side) []string {
	var parts []string
	if len(s.Timeline) >= 5 {
		var series []float64
		for _, one := range s.Timeline {
			if one.Seconds > 0.5 {
				series = append(series, float64(one.Records)/one.Seconds)
			}
		}
		parts = append(parts, asciigraph.Plot(series, asciigraph.Height(plotHeight), asciigraph.Width(plotWidth),
			asciigraph.LowerBound(0), asciigraph.Precision(0),
			asciigraph.Caption(s.Name+": records/s, second by second")))
	}
	if bars := barLines(s.Histogram); len(bars) > 0 {
		parts = append(parts, s.Name+": latency", strings.Join(bars, "\n"))
	}
	return parts
}

// barLines draws a histogram, one line a bar.
func barLines(bars []Bar) []string {
	var most, all int64
	for _, b := range bars {
		most = max(most, b.Count)
		all += b.Count
	}
	var lines []string
	for _, b := range bars {
		lines = append(lines, fmt.Sprintf("%9s %-40s %6.2f %%", span(b.From), block(float64(b.Count)/float64(most), 40),
			100*float64(b.Count)/float64(all)))
	}
	return lines
}

// block is a bar of so many cells at the most, drawn to an eighth of a cell; what is not nothing is seen.
func block(share float64, cells int) string {
	const eighths = "▏▎▍▌▋▊▉█"
	n := int(math.Ceil(share * float64(cells) * 8))
	line := strings.Repeat("█", n/8)
	if n%8 > 0 {
		line += string([]rune(eighths)[n%8-1])
	}
	return line
}
