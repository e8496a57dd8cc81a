package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"flashq/loadtest/drive"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	parts := []string{r.headline(), r.sidesTable()}
	if r.Speed != nil {
		parts = append(parts, r.roundsTable())
	}
	if own := r.Own(); own != nil {
		parts = append(parts, r.plots(own)...)
	}
	parts = append(parts, r.Verdicts()...)
	if r.Limit != "" {
		parts = append(parts, "Warning: the CLIENT was the limit: "+r.Limit)
	}
	for _, note := range r.Notes {
		parts = append(parts, "Note: "+note)
	}
	if _, err := fmt.Fprintln(w, strings.Join(parts, "\n")); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func (r *Report) headline() string {
	l := r.Load
	loop := "closed loop"
	if r.Rate > 0 {
		loop = "open loop, " + Count(r.Rate) + " records/s"
	}
	server := r.Server
	if r.ServerIs != "" {
		server += " (FlashQ " + r.ServerIs + ")"
	}
	line := fmt.Sprintf("%s: %s as %s; connections: %d; %s; partitions: %d; CPUs: %d; server: %s", r.Workload,
		r.records(), r.Load.form(), r.Connections, loop, l.Partitions, r.Machine.CPUs, server)
	if r.Growth != nil {
		line += fmt.Sprintf("; idle topics: %d; parked polls: %d", r.Growth.IdleTopics, r.Growth.Parked)
	}
	if r.Version != "" {
		line += "; by FlashQ " + r.Version
	}
	return line
}

// records says what a request carries, or an answer of consume.
func (r *Report) records() string {
	l := r.Load
	if r.Topic != "" {
		return fmt.Sprintf("%d records of topic %s, as they are,", l.Batch, r.Topic)
	}
	keys := "no keys"
	if l.Keys > 0 {
		keys = humanize.Comma(int64(l.Keys)) + " keys"
	}
	values := l.Value + " values"
	if l.Payload != "" {
		values = "values of " + l.Payload
	}
	return fmt.Sprintf("%d x %s (%s, %s)", l.Batch, humanize.IBytes(uint64(l.Size)), values, keys)
}

// sidesTable has a row per figure and a column per side.
func (r *Report) sidesTable() string {
	t := newTable()
	head := table.Row{""}
	for _, s := range r.Sides {
		head = append(head, s.Name)
	}
	t.AppendHeader(head)
	for _, f := range sideFigures {
		row := table.Row{f.name}
		for _, s := range r.Sides {
			row = append(row, f.of(s))
		}
		t.AppendRow(row)
	}
	t.SetColumnConfigs(alignRight(2, len(head)))
	return t.Render()
}

// sideFigures are the rows of the first table.
var sideFigures = []struct {
	name string
	of   func(s *Side) string
}{
	{"requests sent", func(s *Side) string { return humanize.Comma(s.Sent) }},
	{"ok", func(s *Side) string { return humanize.Comma(s.OK) }},
	{"failed", func(s *Side) string { return humanize.Comma(s.Failed) }},
	{"retried", func(s *Side) string { return humanize.Comma(s.Retried) }},
	{"refused", func(s *Side) string { return errorList(s.Refused) }},
	{"errors", func(s *Side) string { return errorList(s.Errors) }},
	{"requests/s", func(s *Side) string { return Count(s.Requests) }},
	{"records/s", func(s *Side) string { return Count(s.PerSec.Average) }},
	{"slowest second", func(s *Side) string { return Count(s.PerSec.Min) }},
	{"fastest second", func(s *Side) string { return Count(s.PerSec.Max) }},
	{"bytes/s", func(s *Side) string { return humanize.Bytes(uint64(s.Bytes)) }},
	{"latency p50", func(s *Side) string { return span(s.Latency.P50) }},
	{"latency p90", func(s *Side) string { return span(s.Latency.P90) }},
	{"latency p99", func(s *Side) string { return span(s.Latency.P99) }},
	{"latency p99.9", func(s *Side) string { return span(s.Latency.P999) }},
	{"latency max", func(s *Side) string { return span(s.Latency.Max) }},
	{"server CPU/request", func(s *Side) string { return spanOrUnknown(s.ServerCPU) }},
	{"client CPU/request", func(s *Side) string { return spanOrUnknown(&s.ClientCPU) }},
	{"server CPUs busy", func(s *Side) string { return quotient(s.ServerCores) }},
	{"client CPUs busy", func(s *Side) string { return quotient(&s.ClientCores) }},
}

// roundsTable has a row per round, with the ratios' spread below.
func (r *Report) roundsTable() string {
	head, rows, spreads := r.ratios()
	t := newTable()
	t.AppendHeader(rowOf(head))
	for _, row := range rows {
		t.AppendRow(rowOf(row))
	}
	for _, row := range spreads {
		t.AppendFooter(rowOf(row))
	}
	t.SetColumnConfigs(alignRight(1, len(head)))
	return t.Render()
}

func rowOf(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

// ratios are the cells of the table of rounds, and of the spread of its ratios.
func (r *Report) ratios() (head []string, rows, spreads [][]string) {
	base, own := r.Sides[0].Name, r.Sides[1].Name
	unit, speed := r.speed()
	of := func(s *Side) string { return Count(speed(s)) }
	if unit == "bytes/s" {
		of = func(s *Side) string { return humanize.Bytes(uint64(s.Bytes)) }
	}
	head = []string{"round", base + " " + unit, own + " " + unit, "speed ratio", base + " CPU", own + " CPU", "CPU ratio"}
	for i, x := range r.Rounds {
		if paired(x.Sides) {
			rows = append(rows, []string{strconv.Itoa(i + 1), of(x.Sides[0]), of(x.Sides[1]), quotient(x.Speed),
				spanOrUnknown(x.Sides[0].ServerCPU), spanOrUnknown(x.Sides[1].ServerCPU), quotient(x.CPU)})
		}
	}
	for _, f := range spreadFigures {
		spreads = append(spreads, []string{f.name, "", "", quotient(pick(r.Speed, f.of)), "", "",
			quotient(pick(r.CPU, f.of))})
	}
	return head, rows, spreads
}

// spreadFigures are the last rows of the second table.
var spreadFigures = []struct {
	name string
	of   func(s *Spread) float64
}{
	{"median", func(s *Spread) float64 { return s.Median }},
	{"min", func(s *Spread) float64 { return s.Min }},
	{"max", func(s *Spread) float64 { return s.Max }},
}

func pick(s *Spread, of func(s *Spread) float64) *float64 {
	if s == nil {
		return nil
	}
	f := of(s)
	return &f
}

func newTable() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Format.Footer = text.FormatDefault
	return t
}

func alignRight(from, to int) []table.ColumnConfig {
	var columns []table.ColumnConfig
	for n := from; n <= to; n++ {
		columns = append(columns, table.ColumnConfig{
			Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight,
		})
	}
	return columns
}

// Count is a number for people.
func Count(f float64) string { return humanize.Comma(int64(f + 0.5)) }

// span is a time in microseconds for people, in the unit that suits it and to three digits. Latencies and CPU times are
// shown alike.
func span(us float64) string {
	v, unit := scaled(us)
	decimals := 2
	switch {
	case v >= 99.95:
		decimals = 0
	case v >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + unit
}

// roundSpan is the same for a round number, as on an axis.
func roundSpan(us float64) string {
	v, unit := scaled(us)
	return strconv.FormatFloat(v, 'g', 4, 64) + " " + unit
}

func scaled(us float64) (v float64, unit string) {
	switch {
	case us >= 999_500:
		return us / 1e6, "s"
	case us >= 999.5:
		return us / 1e3, "ms"
	}
	return us, "us"
}

func spanOrUnknown(us *float64) string {
	if us == nil {
		return "unknown"
	}
	return span(*us)
}

func quotient(f *float64) string {
	if f == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", *f)
}

func errorList(errs map[string]int64) string {
	if len(errs) == 0 {
		return "none"
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		list = append(list, fmt.Sprintf("%s: %s", name, humanize.Comma(errs[name])))
	}
	return strings.Join(list, "\n")
}

// Line is a measurement in one line.
func Line(s drive.Sample) string {
	var used *float64
	if s.Known {
		one := perRequest(s.Server, s.All())
		used = &one
	}
	return fmt.Sprintf("%s requests/s, %s records/s, p99 %s, server CPU %s a request", Count(rate(s.OK, s.Elapsed)),
		Count(rate(s.Records, s.Elapsed)), span(drive.Micros(s.Quantile(99))), spanOrUnknown(used))
}
