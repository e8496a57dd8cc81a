package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a plot as SVG: lines, or bars of one series, in a frame with ticks. It looks the same in a page and alone,
// and needs nothing from elsewhere.
type chart struct {
	title, x, y string
	lines       []line
	bars        []Bar // From and To on the x axis, Count on the y axis
	xs, ys      axis
}

// line is one series.
type line struct {
	name   string
	points [][2]float64
}

// axis turns values into places.
type axis struct {
	from, to float64
	log      bool
	ticks    []tick
}

// tick is a labelled place of an axis.
type tick struct {
	at    float64
	label string
}

const (
	chartWidth, chartHeight = 720, 300
	marginLeft, marginRight = 76, 20
	marginTop, marginBottom = 44, 48
	plotInnerWidth          = chartWidth - marginLeft - marginRight
	plotInnerHeight         = chartHeight - marginTop - marginBottom
	chartStyle              = `
.bg{fill:#fff}.t{fill:#1f2328;font:600 14px system-ui,sans-serif}.l{fill:#59636e;font:11px system-ui,sans-serif}
.g{stroke:#d1d9e0;stroke-width:1}.s0{stroke:#0969da;fill:#0969da}.s1{stroke:#bc4c00;fill:#bc4c00}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.bar{stroke:none}
@media (prefers-color-scheme:dark){.bg{fill:#0d1117}.t{fill:#f0f6fc}.l{fill:#9198a1}.g{stroke:#3d444d}
.s0{stroke:#4493f8;fill:#4493f8}.s1{stroke:#f0883e;fill:#f0883e}}`
)

// place is where a value stands, as a share of the axis.
func (a axis) place(v float64) float64 {
	from, to := a.from, a.to
	if a.log {
		from, to, v = math.Log10(from), math.Log10(to), math.Log10(math.Max(v, a.from))
	}
	if to <= from {
		return 0
	}
	return math.Min(math.Max((v-from)/(to-from), 0), 1)
}

func (c chart) px(v float64) float64 { return marginLeft + c.xs.place(v)*plotInnerWidth }
func (c chart) py(v float64) float64 { return marginTop + (1-c.ys.place(v))*plotInnerHeight }

// svg draws the chart.
func (c chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		chartWidth, chartHeight, html.EscapeString(c.title))
	fmt.Fprintf(&b, "<style>%s</style>\n", chartStyle)
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d"/>`+"\n", chartWidth, chartHeight)
	label(&b, "t", marginLeft, 20, "start", c.title)
	c.frame(&b)
	for _, bar := range c.bars {
		if bar.Count > 0 {
			x, y := c.px(bar.From), c.py(float64(bar.Count))
			fmt.Fprintf(&b, `<rect class="bar s0" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`+"\n", x, y,
				math.Max(c.px(bar.To)-x-1, 1), math.Max(marginTop+plotInnerHeight-y, 1))
		}
	}
	for i, l := range c.lines {
		var points []string
		for _, p := range l.points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", c.px(p[0]), c.py(p[1])))
		}
		fmt.Fprintf(&b, `<polyline class="line s%d" points="%s"/>`+"\n", i%2, strings.Join(points, " "))
		x := float64(chartWidth - marginRight - 110*(len(c.lines)-i))
		fmt.Fprintf(&b, `<rect class="bar s%d" x="%.0f" y="11" width="12" height="10"/>`, i%2, x)
		label(&b, "l", x+18, 20, "start", l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// frame draws the grid, the ticks' labels and the axes' names.
func (c chart) frame(b *strings.Builder) {
	for _, t := range c.ys.ticks {
		y := c.py(t.at)
		fmt.Fprintf(b, `<line class="g" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, marginLeft, y, chartWidth-marginRight, y)
		label(b, "l", marginLeft-6, y+4, "end", t.label)
	}
	const bottom = marginTop + plotInnerHeight
	for _, t := range c.xs.ticks {
		x := c.px(t.at)
		fmt.Fprintf(b, `<line class="g" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x, bottom, x, bottom+4)
		label(b, "l", x, bottom+17, "middle", t.label)
	}
	label(b, "l", marginLeft+plotInnerWidth/2, chartHeight-10, "middle", c.x)
	label(b, "l", marginLeft, marginTop-8, "start", c.y)
	b.WriteString("\n")
}

func label(b *strings.Builder, class string, x, y float64, anchor, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor,
		html.EscapeString(s))
}

// linear is an axis from zero on, with a handful of round ticks.
func linear(to float64, show func(float64) string) axis {
	if to <= 0 {
		to = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(to/4)))
	for _, f := range []float64{1, 2, 2.5, 5, 10} {
		if to/(step*f) <= 5 {
			step *= f
			break
		}
	}
	a := axis{to: math.Ceil(to/step-1e-9) * step}
	for i := 0; float64(i)*step <= a.to*1.0001; i++ {
		a.ticks = append(a.ticks, tick{float64(i) * step, show(float64(i) * step)})
	}
	return a
}

// logarithmic is an axis with a tick at each power of ten, and between them where there are few.
func logarithmic(from, to float64, show func(float64) string) axis {
	from, to = math.Max(from, 0.1), math.Max(to, from*1.1)
	a := axis{from: from, to: to, log: true}
	steps := []float64{1}
	if to/from < 1000 {
		steps = []float64{1, 2, 5}
	}
	for power := math.Pow(10, math.Floor(math.Log10(from))); power <= to; power *= 10 {
		for _, s := range steps {
			if at := power * s; at >= from && at <= to {
				a.ticks = append(a.ticks, tick{at, show(at)})
			}
		}
	}
	return a
}
