package loadtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
)

const (
	tuneLeast = 16 << 10
	tuneMost  = 4 << 20
)

// Tune produces to a FlashQ of its own with each budget for one write, on each storage, the settings in turn in each
// round, so that the drift of a machine is shared by all. When ctx ends it returns what it has beside the error.
func Tune(ctx context.Context, c Config) (*Tuned, error) {
	c.Workload, c.SkipNoop, c.Target = Produce, true, ""
	rounds := cmp.Or(c.Rounds, 3)
	c.Rounds = 1
	progress := c.withDefaults().Progress
	c.Progress = nil
	t := &Tuned{Load: c.withDefaults().Load, Connections: c.withDefaults().Connections}
	for _, storage := range Storages {
		for bytes := int64(tuneLeast); bytes <= tuneMost; bytes *= 2 {
			t.Settings = append(t.Settings, Setting{Storage: storage, BatchBytes: bytes})
		}
	}
	var err error
	for round := 0; round < rounds && err == nil; round++ {
		for i := range t.Settings {
			if err = t.try(ctx, c, &t.Settings[i]); err != nil {
				break
			}
			s := &t.Settings[i]
			progress(fmt.Sprintf("round %d/%d  %-6s  %-8s  %s records/s", round+1, rounds, s.Storage,
				humanize.IBytes(uint64(s.BatchBytes)), count(*s.rates[len(s.rates)-1])))
		}
	}
	t.finish()
	if len(t.Settings) == 0 {
		return nil, err
	}
	return t, err
}

func (t *Tuned) try(ctx context.Context, c Config, s *Setting) error {
	c.Storage, c.BatchBytes = s.Storage, s.BatchBytes
	r, err := Run(ctx, c)
	if err != nil {
		return err
	}
	own := r.Own()
	s.rates = append(s.rates, &own.PerSec.Average)
	s.p99s = append(s.p99s, &own.Latency.P99)
	s.cpus = append(s.cpus, own.ServerCPU)
	if r.Limit != "" && !slices.Contains(t.Notes, clientNote) {
		t.Notes = append(t.Notes, clientNote)
	}
	return nil
}
