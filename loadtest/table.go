package loadtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

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
	keys := "no keys"
	if l.Keys > 0 {
		keys = humanize.Comma(int64(l.Keys)) + " keys"
	}
	return fmt.Sprintf("%d x %s (%s values, %s) as %s; connections: %d; partitions: %d; CPUs: %d; server: %s",
		l.Batch, humanize.IBytes(uint64(l.RecordBytes)), l.Value, keys, l.Format, r.Connections, l.Partitions,
		r.Machine.CPUs, r.Server)
}

// sidesTable has a row per figure and a column per side.
func (r *Report) sidesTable() string {
	t := newTable()
	head := table.Row{""}
	var sides []*Side
	for _, s := range []struct {
		name string
		side *Side
	}{{"noop", r.Noop}, {"produce", r.Produce}} {
		if s.side != nil {
			head = append(head, s.name)
			sides = append(sides, s.side)
		}
	}
	t.AppendHeader(head)
	for _, f := range sideFigures {
		row := table.Row{f.name}
		for _, s := range sides {
			row = append(row, f.show(s))
		}
		t.AppendRow(row)
	}
	t.SetColumnConfigs(alignRight(2, len(head)))
	return t.Render()
}

// sideFigures are the rows of the first table.
var sideFigures = []struct {
	name string
	show func(s *Side) string
}{
	{"requests/s", func(s *Side) string { return count(s.RequestsPerSecond) }},
	{"records/s", func(s *Side) string { return count(s.RecordsPerSecond) }},
	{"value bytes/s", func(s *Side) string { return humanize.Bytes(uint64(s.BytesPerSecond)) }},
	{"latency p50", func(s *Side) string { return latency(s.Latency.P50) }},
	{"latency p99", func(s *Side) string { return latency(s.Latency.P99) }},
	{"latency p99.9", func(s *Side) string { return latency(s.Latency.P999) }},
	{"latency max", func(s *Side) string { return latency(s.Latency.Max) }},
	{"server CPU/request", func(s *Side) string { return cpu(s.ServerCPU) }},
	{"generator CPU/request", func(s *Side) string { return cpu(&s.GeneratorCPU) }},
	{"errors", func(s *Side) string { return errorList(s.Errors) }},
}

// roundsTable has a row per round, with the ratios' spread below.
func (r *Report) roundsTable() string {
	t := newTable()
	t.AppendHeader(table.Row{"round", "noop req/s", "produce req/s", "speed ratio",
		"noop CPU", "produce CPU", "CPU ratio"})
	for i, x := range r.Rounds {
		t.AppendRow(table.Row{i + 1, count(x.Noop.RequestsPerSecond), count(x.Produce.RequestsPerSecond),
			quotient(x.Speed), cpu(x.Noop.ServerCPU), cpu(x.Produce.ServerCPU), quotient(x.CPU)})
	}
	for _, f := range spreadFigures {
		t.AppendFooter(table.Row{f.name, "", "", quotient(pick(r.Speed, f.of)), "", "", quotient(pick(r.CPU, f.of))})
	}
	t.SetColumnConfigs(alignRight(1, 7))
	return t.Render()
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

func count(f float64) string { return humanize.Comma(int64(f + 0.5)) }

func latency(us float64) string {
	return time.Duration(us * float64(time.Microsecond)).Round(time.Microsecond).String()
}

func cpu(us *float64) string {
	if us == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f us", *us)
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
