package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Tuned is what Tune found.
type Tuned struct {
	Load        Load      `json:"load"`
	Connections int       `json:"connections"`
	Settings    []Setting `json:"settings"`
	// Best has one line for each storage: which setting is the best, or that none is.
	Best  map[string]string `json:"best"`
	Notes []string          `json:"notes,omitempty"`
}

// Setting is one that was tried, over all rounds.
type Setting struct {
	Storage    string   `json:"storage"`
	BatchBytes int64    `json:"batch_bytes"`
	Rounds     int      `json:"rounds"`
	Records    Spread   `json:"records_per_second"`
	P99        Spread   `json:"p99_us"`
	ServerCPU  *float64 `json:"server_cpu_us_per_request,omitempty"` // median

	rates, p99s, cpus []*float64
}

const clientNote = "the CLIENT was the limit at times: settings may differ more than they seem to"

// Take keeps what one round with a setting has found.
func (t *Tuned) Take(s *Setting, r *Report) {
	own := r.Own()
	s.rates = append(s.rates, &own.PerSec.Average)
	s.p99s = append(s.p99s, &own.Latency.P99)
	s.cpus = append(s.cpus, own.ServerCPU)
	if r.Limit != "" && !slices.Contains(t.Notes, clientNote) {
		t.Notes = append(t.Notes, clientNote)
	}
}

// Finish sums up what was tried, and judges it.
func (t *Tuned) Finish() {
	t.Settings = slices.DeleteFunc(t.Settings, func(s Setting) bool { return len(s.rates) == 0 })
	for i := range t.Settings {
		s := &t.Settings[i]
		s.Rounds, s.Records, s.P99 = len(s.rates), *spread(s.rates), *spread(s.p99s)
		if used := spread(s.cpus); used != nil {
			s.ServerCPU = &used.Median
		}
	}
	t.Best = map[string]string{}
	for _, storage := range Storages {
		of := slices.DeleteFunc(slices.Clone(t.Settings), func(s Setting) bool { return s.Storage != storage })
		if len(of) > 0 {
			t.Best[storage] = best(of)
		}
	}
}

// best names the setting with the highest median. It is the winner only if its slowest round beats the fastest round of
// each other setting; those that it doesn't beat so may be as good.
func best(of []Setting) string {
	first := slices.MaxFunc(of, func(a, b Setting) int {
		if a.Records.Median < b.Records.Median {
			return -1
		}
		return 1
	})
	within := 0
	for _, s := range of {
		if s.BatchBytes != first.BatchBytes && s.Records.Max >= first.Records.Min {
			within++
		}
	}
	name := fmt.Sprintf("best --batch-bytes %s, median %s records/s", binary(first.BatchBytes),
		Count(first.Records.Median))
	switch {
	case first.Rounds < 2 && len(of) > 1:
		return name + "; of one round alone, so no winner"
	case within > 0:
		return fmt.Sprintf("%s; but %d of %d others are within the spread of the rounds, so no honest winner", name, within,
			len(of)-1)
	}
	return name + "; its slowest round beats each other setting's fastest"
}

// binary is a size as a flag takes it.
func binary(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprintf("%dKiB", n>>10)
}

// WriteTable writes what was found for people.
func (t *Tuned) WriteTable(w io.Writer) error {
	out := newTable()
	out.AppendHeader(table.Row{"storage", "batch-bytes", "rounds", "records/s", "least", "most", "p99", "server CPU"})
	for _, s := range t.Settings {
		out.AppendRow(table.Row{s.Storage, binary(s.BatchBytes), s.Rounds, Count(s.Records.Median), Count(s.Records.Min),
			Count(s.Records.Max), span(s.P99.Median), spanOrUnknown(s.ServerCPU)})
	}
	out.SetColumnConfigs(alignRight(2, 8))
	text := out.Render() + "\n"
	for _, storage := range Storages {
		if best, tried := t.Best[storage]; tried {
			text += storage + ": " + best + "\n"
		}
	}
	for _, note := range t.Notes {
		text += "Note: " + note + "\n"
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// WriteJSON writes what was found as indented JSON.
func (t *Tuned) WriteJSON(w io.Writer) error { return writeJSON(w, t) }
