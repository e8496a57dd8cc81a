package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// report is what is kept: all figures, of each peer and round.
type report struct {
	Started  time.Time `json:"started"`
	Machine  string    `json:"machine"`
	Load     string    `json:"load_average"` // before, after
	Duration string    `json:"duration_of_a_measurement"`
	Warmup   string    `json:"warmup_of_a_measurement"`
	Took     string    `json:"took"`
	Versions []string  `json:"versions"`
	Peers    []string  `json:"peers"`
	// Rounds has for each round, peer and metric what was measured.
	Rounds   []map[string]figures `json:"rounds"`
	Failures []string             `json:"failures,omitempty"`

	files map[string]bool
}

func newReport(s settings, peers []peer) *report {
	r := &report{Started: time.Now().UTC().Truncate(time.Second), Load: loadAverage(), Duration: s.span.String(),
		Warmup: s.warm.String(), Rounds: make([]map[string]figures, s.rounds), files: map[string]bool{}}
	for i := range r.Rounds {
		r.Rounds[i] = map[string]figures{}
	}
	for _, p := range peers {
		r.Peers = append(r.Peers, p.name)
		r.files[p.name] = p.files
	}
	return r
}

func (r *report) add(round int, peer string, f figures) { r.Rounds[round][peer] = f }

func (r *report) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

// describe says where and with what it was measured.
func (r *report) describe(ctx context.Context, s settings) {
	r.Took = time.Since(r.Started).Round(time.Second).String()
	r.Load += " before, " + loadAverage() + " after"
	r.Machine = fmt.Sprintf("%d processors (%s), Linux, %s", runtime.NumCPU(), processor(), runtime.Version())
	r.Versions = versions(ctx, s)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // a name is a nicety
	found := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(text)
	if found == nil {
		return runtime.GOARCH
	}
	return string(found[1])
}

// versions are those of the servers, then those of the clients that are Go modules.
func versions(ctx context.Context, s settings) []string {
	var all []string
	ask := func(name string, args ...string) {
		out, err := output(ctx, []string{"LD_LIBRARY_PATH=" + filepath.Join(s.tools, "redis", "lib")}, name, args...)
		if err != nil {
			out = filepath.Base(name) + " of an unknown version"
		}
		line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
		line, _, _ = strings.Cut(line, " sha=")
		all = append(all, line)
	}
	ask(s.flashq, "--version")
	jars, _ := filepath.Glob(filepath.Join(s.tools, "kafka", "libs", "kafka-server-[0-9]*.jar")) // the pattern is right
	for _, jar := range jars {
		all = append(all, strings.TrimSuffix(filepath.Base(jar), ".jar"))
	}
	ask(filepath.Join(s.tools, "peers", "nats-server"), "--version")
	ask(filepath.Join(s.tools, "peers", "nsqd"), "--version")
	ask(filepath.Join(s.tools, "redis", "bin", "redis-server"), "--version")
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(clients, m.Path) {
				all = append(all, m.Path+" "+m.Version)
			}
		}
	}
	return all
}

var clients = []string{"github.com/twmb/franz-go", "github.com/nats-io/nats.go", "github.com/nsqio/go-nsq",
	"github.com/redis/go-redis/v9", "github.com/valyala/fasthttp"}

// save writes the table and all figures.
func (r *report) save(folder, table string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return cmp.Or(os.WriteFile(filepath.Join(folder, "report.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(folder, "table.md"), []byte(table), 0o644))
}

// values are a peer's of all rounds that have any.
func (r *report) values(peer, key string) []float64 {
	var all []float64
	for _, round := range r.Rounds {
		if v, ok := round[peer][key]; ok && v > 0 {
			all = append(all, v)
		}
	}
	return all
}

// ratios say how many times better FlashQ on files was than a peer, in each round that has both.
func (r *report) ratios(m metric, peer string) []float64 {
	var all []float64
	for _, round := range r.Rounds {
		a, b := round[ours][m.key], round[peer][m.key]
		if a <= 0 || b <= 0 {
			continue
		}
		if m.less {
			a, b = b, a
		}
		all = append(all, a/b)
	}
	return all
}
