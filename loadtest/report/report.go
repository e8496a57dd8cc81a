package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"flashq/loadtest/drive"
)

// Report is what Run found. Times are microseconds, rates are per second; of each side, all rounds together and one by
// one. A nil pointer is: not measured. docs/md explains each name.
type Report struct {
	Started     time.Time `json:"started"`
	Version     string    `json:"version,omitempty"` // of the FlashQ that ran the load test
	Workload    string    `json:"workload"`
	Machine     Machine   `json:"machine"`
	Load        Load      `json:"load"`
	Growth      *Growth   `json:"growth,omitempty"`
	BodyBytes   int       `json:"body_bytes"` // of one produce request, on average
	Connections int       `json:"connections"`
	Rate        float64   `json:"rate,omitempty"` // records due each second; without it the loop is closed
	Pinned      bool      `json:"pinned,omitempty"`
	Server      string    `json:"server"`                   // whom the workload's side measures
	ServerIs    string    `json:"server_version,omitempty"` // of a server that ran already, if it says so
	Topic       string    `json:"topic,omitempty"`          // of consume, where its own records were read
	Beside      string    `json:"beside,omitempty"`         // the format of the same server that was measured in turn

	Sides  []*Side  `json:"sides"` // in the order of measuring; the last one is the workload's
	Rounds []*Round `json:"rounds"`
	// Speed is the workload's rate divided by the other side's, 1 at best: of requests, or for consume of bytes. CPU is
	// its server CPU a request divided by the other side's.
	Speed   *Spread  `json:"speed_ratio,omitempty"`
	CPU     *Spread  `json:"server_cpu_ratio,omitempty"`
	Verdict *Verdict `json:"verdict,omitempty"` // of e2e and subscribe
	Replays *Replays `json:"replays,omitempty"` // of produce with keys
	Streams *Streams `json:"streams,omitempty"` // of subscribe

	Limit string   `json:"client_was_the_limit,omitempty"` // why, if it was
	Notes []string `json:"notes,omitempty"`                // what a reader of the numbers must know
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
	Name     string           `json:"name"`
	Sent     int64            `json:"sent"` // requests, repeats too: ok and failed and retried
	OK       int64            `json:"ok"`   // answered with 2xx
	Failed   int64            `json:"failed"`
	Retried  int64            `json:"retried"`
	Refused  map[string]int64 `json:"refused,omitempty"` // answers that asked to come back later, by status
	Errors   map[string]int64 `json:"errors,omitempty"`  // failed ones by status, or by what happened instead of an answer
	Unsent   int64            `json:"unsent,omitempty"`  // of an open loop: due, but no connection was free in time
	Records  int64            `json:"records"`
	Seconds  float64          `json:"seconds"`
	Requests float64          `json:"requests_per_second"`
	PerSec   PerSecond        `json:"records_per_second"`
	Bytes    float64          `json:"bytes_per_second"` // of values; of consume and its noop: of answers' bodies
	Latency  Latency          `json:"latency_us"`

	ServerCPU   *float64 `json:"server_cpu_us_per_request,omitempty"`
	ClientCPU   float64  `json:"client_cpu_us_per_request"`
	ServerCores *float64 `json:"server_cores,omitempty"` // processors that were busy with it, on average
	ClientCores float64  `json:"client_cores"`

	// Of all rounds together only.
	Timeline    []drive.Second `json:"timeline,omitempty"`
	Percentiles []Point        `json:"percentiles,omitempty"`
	Histogram   []Bar          `json:"histogram,omitempty"`
}

// PerSecond is a rate on average, and in the slowest and the fastest whole second.
type PerSecond struct {
	Average float64 `json:"average"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
}

// Latency is from the first byte sent (in an open loop: from the time a request was to be sent) to the last one read,
// of requests answered with 2xx; of e2e: from then to when a consumer has the record. In microseconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Point is a latency that this percentage did not exceed.
type Point struct {
	Percent float64 `json:"percent"`
	Micros  float64 `json:"us"`
}

// Bar is how many took from From to less than To.
type Bar struct {
	From  float64 `json:"from_us"`
	To    float64 `json:"to_us"`
	Count int64   `json:"count"`
}

// Round is one measurement of each side.
type Round struct {
	Sides   []*Side  `json:"sides"`
	Speed   *float64 `json:"speed_ratio,omitempty"`
	CPU     *float64 `json:"server_cpu_ratio,omitempty"`
	Verdict *Verdict `json:"verdict,omitempty"`
	Replays *Replays `json:"replays,omitempty"`
	Streams *Streams `json:"streams,omitempty"`

	samples []named // what the sides are made from
}

// named is a side's measurement.
type named struct {
	name   string
	sample drive.Sample
}

// Spread is a ratio over all rounds.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Note adds what must be known, once.
func (r *Report) Note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// Add takes one round's samples.
func (r *Report) Add(round *Round) {
	for _, s := range round.samples {
		round.Sides = append(round.Sides, sideOf(s.name, s.sample))
	}
	if paired(round.Sides) {
		base, own := round.Sides[0], round.Sides[1]
		_, of := r.speed()
		a, b := of(own), of(base)
		round.Speed = ratio(&a, &b)
		round.CPU = ratio(own.ServerCPU, base.ServerCPU)
	}
	r.Rounds = append(r.Rounds, round)
}

// paired tells whether the sides are to be divided: FlashQ by something else, or by itself with another format.
func paired(sides []*Side) bool {
	return len(sides) == 2 && (sides[0].Name == Noop || sides[0].Name == Empty || slices.Contains(Formats, sides[0].Name))
}

// speed is what the ratio is of: requests; of consume bytes, as the bare server's answer is as long; or records, where
// two formats have different bytes for them.
func (r *Report) speed() (unit string, of func(s *Side) float64) {
	switch {
	case r.Beside != "":
		return "records/s", func(s *Side) float64 { return s.PerSec.Average }
	case r.Workload == Consume:
		return "bytes/s", func(s *Side) float64 { return s.Bytes }
	}
	return "req/s", func(s *Side) float64 { return s.Requests }
}

// Finish sums the rounds up.
func (r *Report) Finish() {
	var names []string
	sums := map[string]*drive.Sample{}
	var speeds, cpus []*float64
	for _, round := range r.Rounds {
		for _, s := range round.samples {
			if sums[s.name] == nil {
				names = append(names, s.name)
				sums[s.name] = &drive.Sample{Tally: drive.NewTally(), Known: true}
			}
			sums[s.name].Add(s.sample)
		}
		speeds, cpus = append(speeds, round.Speed), append(cpus, round.CPU)
		if round.Verdict != nil {
			sum := round.Verdict.add(*cmp.Or(r.Verdict, &Verdict{}))
			r.Verdict = &sum
		}
		if round.Replays != nil {
			sum := round.Replays.add(*cmp.Or(r.Replays, &Replays{}))
			r.Replays = &sum
		}
		if round.Streams != nil {
			r.Streams = round.Streams.worst(r.Streams)
		}
	}
	for _, name := range names {
		side := sideOf(name, *sums[name])
		side.detail(*sums[name])
		r.Sides = append(r.Sides, side)
		if first := sums[name].First; first != "" {
			r.Note(name + ": the first error was " + first)
		}
		r.noteSchedule(side)
	}
	r.Speed, r.CPU = spread(speeds), spread(cpus)
	r.Limit = limit(r)
}

// noteSchedule says that an open loop did not hold its rate: then its latencies are of fewer requests than were due.
func (r *Report) noteSchedule(s *Side) {
	if r.Rate == 0 || s.Name == EndToEnd || s.Name == Subscribe || s.PerSec.Average >= 0.95*r.Rate {
		return
	}
	r.Note(fmt.Sprintf("%s: %s of %s records/s were reached; %s due requests were never sent", s.Name,
		Count(s.PerSec.Average), Count(r.Rate), Count(float64(s.Unsent))))
}

// Own is the workload's side; nil where nothing was measured.
func (r *Report) Own() *Side {
	if len(r.Sides) == 0 {
		return nil
	}
	return r.Sides[len(r.Sides)-1]
}

// Faulty tells whether records were lost, doubled or out of order, or a replay was no replay.
func (r *Report) Faulty() bool {
	return r.Verdict != nil && r.Verdict.faulty() || r.Replays != nil && r.Replays.faulty()
}

// Verdicts are lines that say what was found out about promises.
func (r *Report) Verdicts() []string {
	var lines []string
	if r.Verdict != nil {
		lines = append(lines, "Records: "+r.Verdict.String())
	}
	if r.Replays != nil {
		lines = append(lines, "Replays: "+r.Replays.String())
	}
	if r.Streams != nil {
		lines = append(lines, "Streams: "+r.Streams.String())
	}
	return lines
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// Take keeps what one side did in this round.
func (r *Round) Take(name string, s drive.Sample) { r.samples = append(r.samples, named{name, s}) }

// Measured tells whether there is anything to report of the round.
func (r *Round) Measured() bool { return len(r.samples) > 0 }
