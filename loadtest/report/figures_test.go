package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"flashq/loadtest/drive"
)

// sampleOf is n requests of 1 ms each, in that time.
func sampleOf(n int, elapsed, server time.Duration) *drive.Sample {
	s := &drive.Sample{Tally: drive.NewTally(), Elapsed: elapsed, Server: server, Known: true, Generator: server / 2}
	for range n {
		s.Sent++
		s.Succeeded(10, 1000, int64(time.Millisecond))
	}
	return s
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Max(math.Abs(a), 1) }

// pair is a round of both sides.
func pair(noop, own *drive.Sample) *Round {
	return &Round{samples: []named{{Noop, *noop}, {Produce, *own}}}
}

func TestReportSumsRoundsUp(t *testing.T) {
	r := &Report{Workload: Produce}
	r.Add(pair(sampleOf(1000, time.Second, 10*time.Millisecond), sampleOf(900, time.Second, 11*time.Millisecond))) // 0.9
	r.Add(pair(sampleOf(400, time.Second, 4*time.Millisecond), sampleOf(200, time.Second, 4*time.Millisecond)))    // 0.5
	r.Add(pair(sampleOf(600, time.Second, 6*time.Millisecond), sampleOf(900, 2*time.Second, 9*time.Millisecond)))  // 0.75
	r.Finish()

	if *r.Speed != (Spread{Median: 0.75, Min: 0.5, Max: 0.9}) {
		t.Errorf("speed %+v", *r.Speed)
	}
	if !near(r.CPU.Median, 11.0/9) || !near(r.CPU.Min, 1) || !near(r.CPU.Max, 2) {
		t.Errorf("CPU %+v", *r.CPU)
	}
	p := r.Own()
	if p.OK != 2000 || p.Records != 20_000 || p.Seconds != 4 || p.Requests != 500 || p.PerSec.Average != 5000 ||
		p.Bytes != 500_000 || !near(*p.ServerCPU, 12) || !near(p.ClientCPU, 6) || !near(*p.ServerCores, 0.006) {
		t.Errorf("produce %+v", *p)
	}
	var bars int64
	for _, b := range p.Histogram {
		if bars += b.Count; b.Count > 0 && (b.From > 1000 || b.To < 990) {
			t.Errorf("1 ms is counted in %+v", b)
		}
	}
	if bars != 2000 {
		t.Errorf("the histogram has %d of 2000", bars)
	}
}

func TestErrorsMakeNoSpeedButCost(t *testing.T) {
	s := sampleOf(50, time.Second, time.Millisecond)
	for range 50 {
		s.Sent++
		s.Note("500", "500 no")
	}
	side := sideOf("x", *s)
	if side.Sent != 100 || side.OK != 50 || side.Failed != 50 || side.Requests != 50 || side.Latency.Max != 1000 {
		t.Errorf("side %+v", *side)
	}
	if *side.ServerCPU != 10 {
		t.Errorf("server CPU %v us, of 1 ms for 100 answers", *side.ServerCPU)
	}
}

func TestUnknownCPUStaysUnknown(t *testing.T) {
	target := sampleOf(10, time.Second, 0)
	target.Known = false
	r := &Report{Workload: Produce}
	r.Add(pair(sampleOf(10, time.Second, time.Second), target))
	r.Finish()
	if r.Own().ServerCPU != nil || r.CPU != nil || r.Speed == nil {
		t.Errorf("produce %+v, CPU %v, speed %v", *r.Own(), r.CPU, r.Speed)
	}
	var out strings.Builder
	if err := r.WriteTable(&out); err != nil || !strings.Contains(out.String(), "unknown") {
		t.Errorf("%v, table:\n%s", err, out.String())
	}
}

// The slowest and the fastest second are whole ones: the rest of a run is neither.
func TestSecondsOfARun(t *testing.T) {
	s := sampleOf(0, 3100*time.Millisecond, 0)
	s.Records = 620
	s.Seconds = []drive.Second{{Seconds: 1, Records: 100}, {Seconds: 1, Records: 300}, {Seconds: 1, Records: 200}, {Seconds: 0.1, Records: 1}}
	if p := perSecond(*s); p != (PerSecond{Average: 200, Min: 100, Max: 300}) {
		t.Errorf("%+v", p)
	}
	s.Seconds = s.Seconds[3:]
	if p := perSecond(*s); p != (PerSecond{Average: 200, Min: 200, Max: 200}) {
		t.Errorf("without a whole second: %+v", p)
	}
}

func TestWhoWasTheLimit(t *testing.T) {
	for _, c := range []struct {
		client, server, rate, reached float64
		want                          string
	}{
		{client: 0.8, server: 1.2},
		{client: 1.9, server: 0.1, want: "of the 2 processors"},
		{client: 1.1, server: 0.9, want: "all 2 processors were busy"},
		{client: 1.1, server: 0.4},
		{client: 1.9, server: 0.1, rate: 100, reached: 99},
		{client: 1.9, server: 0.1, rate: 100, reached: 50, want: "of the 2 processors"},
	} {
		side := &Side{Name: Produce, ClientCores: c.client, ServerCores: &c.server, PerSec: PerSecond{Average: c.reached}}
		r := &Report{Machine: Machine{CPUs: 2}, Connections: 32, Rate: c.rate, Sides: []*Side{side}}
		if got := limit(r); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
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

func TestReportOfOneSideIsReadable(t *testing.T) {
	r := &Report{Workload: Noop}
	r.Add(&Round{samples: []named{{Noop, *sampleOf(10, time.Second, time.Second)}}})
	r.Finish()
	var table, text bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text.Bytes()) || strings.Contains(text.String()+table.String(), "ratio") {
		t.Errorf("there was nothing to divide by:\n%s\n%s", table.String(), text.String())
	}
}
