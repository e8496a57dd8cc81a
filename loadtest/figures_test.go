package loadtest

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// sampleOf is n requests of 1 ms each, in that time.
func sampleOf(n int, elapsed, server time.Duration) *sample {
	s := &sample{tally: newTally(), elapsed: elapsed, server: server, known: true, generator: server / 2}
	for range n {
		s.answered(answer{status: 200}, time.Millisecond)
	}
	return s
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Max(math.Abs(a), 1) }

func TestReportSumsRoundsUp(t *testing.T) {
	l := Load{Batch: 10, RecordBytes: 100}
	r := &Report{Load: l}
	r.add(Round{noop: sampleOf(1000, time.Second, 10*time.Millisecond),
		produce: sampleOf(900, time.Second, 11*time.Millisecond)}) // 0.9; 10 and 12.222 us
	r.add(Round{noop: sampleOf(400, time.Second, 4*time.Millisecond),
		produce: sampleOf(200, time.Second, 4*time.Millisecond)}) // 0.5; 10 and 20 us
	r.add(Round{noop: sampleOf(600, time.Second, 6*time.Millisecond),
		produce: sampleOf(900, 2*time.Second, 9*time.Millisecond)}) // 0.75; 10 and 10 us
	r.finish()

	if *r.Speed != (Spread{Median: 0.75, Min: 0.5, Max: 0.9}) {
		t.Errorf("speed %+v", *r.Speed)
	}
	if !near(r.CPU.Median, 11.0/9) || !near(r.CPU.Min, 1) || !near(r.CPU.Max, 2) {
		t.Errorf("CPU %+v", *r.CPU)
	}
	p := r.Produce
	if p.Requests != 2000 || p.Records != 20_000 || p.Seconds != 4 || p.RequestsPerSecond != 500 ||
		p.RecordsPerSecond != 5000 || p.BytesPerSecond != 500_000 || !near(*p.ServerCPU, 12) || !near(p.GeneratorCPU, 6) {
		t.Errorf("produce %+v", *p)
	}
}

func TestErrorsMakeNoSpeedButCost(t *testing.T) {
	s := sampleOf(50, time.Second, time.Millisecond)
	for range 50 {
		s.answered(answer{status: 429, body: []byte("later")}, time.Second)
	}
	side := Load{Batch: 1}.side(s)
	if side.Requests != 50 || side.RequestsPerSecond != 50 || side.Latency.Max != 1000 || side.Errors["429"] != 50 {
		t.Errorf("side %+v", *side)
	}
	if *side.ServerCPU != 10 {
		t.Errorf("server CPU %v us, of 1 ms for 100 answers", *side.ServerCPU)
	}
}

func TestUnknownCPUStaysUnknown(t *testing.T) {
	target := sampleOf(10, time.Second, 0)
	target.known = false
	r := &Report{Load: Load{Batch: 1}}
	r.add(Round{noop: sampleOf(10, time.Second, time.Second), produce: target})
	r.finish()
	if r.Produce.ServerCPU != nil || r.CPU != nil || r.Speed == nil {
		t.Errorf("produce %+v, CPU %v, speed %v", *r.Produce, r.CPU, r.Speed)
	}
	var out strings.Builder
	if err := r.WriteTable(&out); err != nil || !strings.Contains(out.String(), "unknown") {
		t.Errorf("%v, table:\n%s", err, out.String())
	}
}

func TestSpreadOfAnEvenNumber(t *testing.T) {
	one, two, four := 1.0, 2.0, 4.0
	if s := spread([]*float64{&four, nil, &one}); *s != (Spread{Median: 2.5, Min: 1, Max: 4}) {
		t.Errorf("of 1 and 4: %+v", *s)
	}
	if s := spread([]*float64{&two}); *s != (Spread{Median: 2, Min: 2, Max: 2}) {
		t.Errorf("of 2: %+v", *s)
	}
	if s := spread([]*float64{nil}); s != nil {
		t.Errorf("of nothing: %+v", *s)
	}
}

func TestReportWithoutProduceIsReadable(t *testing.T) {
	r := &Report{Load: Load{Batch: 1}}
	r.add(Round{noop: sampleOf(10, time.Second, time.Second)})
	r.finish()
	var table, text bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if _, there := back["produce"]; there || strings.Contains(table.String(), "ratio") {
		t.Errorf("there was no produce:\n%s\n%s", table.String(), text.String())
	}
}
