package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// ErrReport is returned when what should be a report is none, or one of something else.
var ErrReport = errors.New("can't compare")

// ReadReport reads a report that WriteJSON has written.
func ReadReport(r io.Reader) (*Report, error) {
	report := &Report{}
	if err := json.NewDecoder(r).Decode(report); err != nil {
		return nil, fmt.Errorf("%w: not a report: %w", ErrReport, err)
	}
	if report.Own() == nil || report.Workload == "" {
		return nil, fmt.Errorf("%w: a report without a measurement", ErrReport)
	}
	return report, nil
}

// Comparison is two reports side by side.
type Comparison struct {
	rows  []compared
	Worse string // what is worse than it may be; "" if nothing is
}

// compared is one figure of both. more tells that more of it is better.
type compared struct {
	name     string
	old, new *float64
	more     bool
	judged   bool
	show     func(float64) string
}

// change is what the new report is better by, as a share of the old; nil where one has no such figure.
func (c compared) change() *float64 {
	if c.old == nil || c.new == nil || *c.old == 0 {
		return nil
	}
	d := *c.new / *c.old - 1
	return &d
}

// Compare puts a report beside an older one of the same load, and judges it: in a closed loop by the speed ratio where
// both have one, as what a machine does beside it slows both sides alike, else by records a second; in an open loop,
// whose rate is given, by records a second and the 99th percentile. limit is the share that may be lost.
func Compare(old, report *Report, limit float64) (*Comparison, error) {
	a, b := old.Own(), report.Own()
	if old.Workload != report.Workload || b == nil {
		return nil, fmt.Errorf("%w: the old report is of %s, this one of %s", ErrReport, old.Workload, report.Workload)
	}
	if old.Load != report.Load || old.Rate != report.Rate || old.Connections != report.Connections ||
		old.Topic != report.Topic || old.Beside != report.Beside {
		return nil, fmt.Errorf("%w: the old report is of another load: %s", ErrReport, old.headline())
	}
	ratios := old.Speed != nil && report.Speed != nil
	median := func(s *Spread) float64 { return s.Median }
	c := &Comparison{rows: []compared{
		{"speed ratio", pick(old.Speed, median), pick(report.Speed, median), true, ratios && report.Rate == 0, ratioText},
		{"server CPU ratio", pick(old.CPU, median), pick(report.CPU, median), false, false, ratioText},
		{"records/s", &a.PerSec.Average, &b.PerSec.Average, true, !ratios || report.Rate > 0, Count},
		{"latency p50", &a.Latency.P50, &b.Latency.P50, false, false, span},
		{"latency p99", &a.Latency.P99, &b.Latency.P99, false, report.Rate > 0, span},
		{"latency p99.9", &a.Latency.P999, &b.Latency.P999, false, false, span},
		{"server CPU/request", a.ServerCPU, b.ServerCPU, false, false, span},
	}}
	for _, row := range c.rows {
		d := row.change()
		if d == nil || !row.judged || c.Worse != "" {
			continue
		}
		if row.more && *d < -limit || !row.more && *d > limit {
			c.Worse = fmt.Sprintf("%s went from %s to %s, by %+.1f %%; allowed: %g %%", row.name, row.show(*row.old),
				row.show(*row.new), 100**d, 100*limit)
		}
	}
	return c, nil
}

// WriteTable writes both reports' figures for people; those with a star are judged.
func (c *Comparison) WriteTable(w io.Writer) error {
	t := newTable()
	t.AppendHeader(table.Row{"", "old", "new", "delta"})
	for _, row := range c.rows {
		d := row.change()
		if d == nil {
			continue
		}
		name := row.name
		if row.judged {
			name += " *"
		}
		t.AppendRow(table.Row{name, row.show(*row.old), row.show(*row.new), fmt.Sprintf("%+.1f %%", 100**d)})
	}
	t.SetColumnConfigs(alignRight(2, 4))
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	return nil
}

func ratioText(f float64) string { return quotient(&f) }
