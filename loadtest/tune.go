package loadtest

import (
	"cmp"
	"context"
	"fmt"

	"flashq/loadtest/report"

	"github.com/dustin/go-humanize"
)

const (
	tuneLeast = 16 << 10
	tuneMost  = 4 << 20
)

// Tune produces to a FlashQ of its own with each budget for one write, on each storage, the settings in turn in each
// round, so that the drift of a machine is shared by all. When ctx ends it returns what it has beside the error.
func Tune(ctx context.Context, c Config) (*report.Tuned, error) {
	c.Workload, c.SkipNoop, c.Target = report.Produce, true, ""
	rounds := cmp.Or(c.Rounds, 3)
	c.Rounds = 1
	progress := c.withDefaults().Progress
	c.Progress = nil
	t := &report.Tuned{Load: c.withDefaults().Load, Connections: c.withDefaults().Connections}
	for _, storage := range report.Storages {
		for bytes := int64(tuneLeast); bytes <= tuneMost; bytes *= 2 {
			t.Settings = append(t.Settings, report.Setting{Storage: storage, BatchBytes: bytes})
		}
	}
	var err error
	for round := 0; round < rounds && err == nil; round++ {
		for i := range t.Settings {
			s := &t.Settings[i]
			c.Storage, c.BatchBytes = s.Storage, s.BatchBytes
			var r *report.Report
			if r, err = Run(ctx, c); err != nil {
				break
			}
			t.Take(s, r)
			progress(fmt.Sprintf("round %d/%d  %-6s  %-8s  %s records/s", round+1, rounds, s.Storage,
				humanize.IBytes(uint64(s.BatchBytes)), report.Count(r.Own().PerSec.Average)))
		}
	}
	t.Finish()
	if len(t.Settings) == 0 {
		return nil, err
	}
	return t, err
}
