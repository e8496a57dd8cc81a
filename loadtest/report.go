package loadtest

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// Report is what Run found. Times are microseconds, rates are per second; of produce and noop each, all rounds
// together and one by one. A nil pointer is: not measured.
type Report struct {
	Started     time.Time `json:"started"`
	Machine     Machine   `json:"machine"`
	Load        Load      `json:"load"`
	BodyBytes   int       `json:"body_bytes"` // of one request, on average
	Connections int       `json:"connections"`
	Server      string    `json:"server"` // what stands behind produce

	Noop    *Side   `json:"noop,omitempty"`
	Produce *Side   `json:"produce,omitempty"`
	Rounds  []Round `json:"rounds"`
	// Speed is produce's rate divided by noop's, 1 at best; CPU is produce's server CPU a request divided by noop's.
	Speed *Spread `json:"speed_ratio,omitempty"`
	CPU   *Spread `json:"server_cpu_ratio,omitempty"`

	Notes []string `json:"notes,omitempty"` // what a reader of the numbers must know
}

// Machine is where it ran: numbers of different machines don't compare.
type Machine struct {
	CPUs int    `json:"cpus"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	Go   string `json:"go"`
}

// Side is what one server did, in one round or in all.
type Side struct {
	Requests          int64            `json:"requests"` // answered with 2xx
	Records           int64            `json:"records"`
	Seconds           float64          `json:"seconds"`
	RequestsPerSecond float64          `json:"requests_per_second"`
	RecordsPerSecond  float64          `json:"records_per_second"`
	BytesPerSecond    float64          `json:"value_bytes_per_second"`
	Latency           Latency          `json:"latency_us"`
	Errors            map[string]int64 `json:"errors,omitempty"` // by status, or by what happened instead of an answer
	ServerCPU         *float64         `json:"server_cpu_us_per_request,omitempty"`
	GeneratorCPU      float64          `json:"generator_cpu_us_per_request"`
}

// Latency is from the first byte sent to the last one read, of requests answered with 2xx, in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Round is one measurement of each side.
type Round struct {
	Noop    *Side    `json:"noop,omitempty"`
	Produce *Side    `json:"produce,omitempty"`
	Speed   *float64 `json:"speed_ratio,omitempty"`
	CPU     *float64 `json:"server_cpu_ratio,omitempty"`

	noop, produce *sample // what the sides are made from
}

// Spread is a ratio over all rounds.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func newReport(c Config, list [][]byte) *Report {
	size := 0
	for _, b := range list {
		size += len(b)
	}
	r := &Report{
		Started:     time.Now().UTC().Truncate(time.Second),
		Machine:     Machine{CPUs: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()},
		Load:        c.Load,
		BodyBytes:   size / len(list),
		Connections: c.Connections,
		Server:      serverName(c),
	}
	if n := distinctKeys(c.Load, len(list)); n < c.Keys {
		r.note(fmt.Sprintf("%d of %d keys were used: the rotation of bodies is bounded to stay in cache", n, c.Keys))
	}
	return r
}

func serverName(c Config) string {
	switch {
	case c.SkipProduce:
		return "none"
	case c.Target != "":
		return c.Target
	case c.Storage == "file" && c.Fsync != "":
		return c.Storage + ", fsync " + c.Fsync
	}
	return c.Storage
}

// note adds what must be known, once.
func (r *Report) note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// add takes one round's samples.
func (r *Report) add(round Round) {
	round.Noop = r.Load.side(round.noop)
	round.Produce = r.Load.side(round.produce)
	if round.Noop != nil && round.Produce != nil {
		round.Speed = ratio(&round.Produce.RequestsPerSecond, &round.Noop.RequestsPerSecond)
		round.CPU = ratio(round.Produce.ServerCPU, round.Noop.ServerCPU)
	}
	r.Rounds = append(r.Rounds, round)
}

// finish sums the rounds up.
func (r *Report) finish() {
	var noop, produce []*sample
	var speeds, cpus []*float64
	for _, round := range r.Rounds {
		noop = append(noop, round.noop)
		produce = append(produce, round.produce)
		speeds = append(speeds, round.Speed)
		cpus = append(cpus, round.CPU)
	}
	r.Noop, r.Produce = r.Load.side(noop...), r.Load.side(produce...)
	r.Speed, r.CPU = spread(speeds), spread(cpus)
	r.noteFirstError("noop", noop)
	r.noteFirstError("produce", produce)
}

func (r *Report) noteFirstError(side string, samples []*sample) {
	for _, s := range samples {
		if s != nil && s.first != "" {
			r.note(side + ": the first error was " + s.first)
			return
		}
	}
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
