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

func TestEachPercentileIsItsOwn(t *testing.T) {
	s := &drive.Sample{Tally: drive.NewTally(), Elapsed: time.Second}
	for i := range 100_000 { // a tail that bends at each of them
		s.Succeeded(1, 1, int64(i+1)*int64(time.Microsecond))
	}
	l := sideOf("x", *s).Latency
	for name, c := range map[string]struct{ got, want float64 }{
		"mean": {l.Mean, 50_000}, "p50": {l.P50, 50_000}, "p75": {l.P75, 75_000}, "p90": {l.P90, 90_000},
		"p95": {l.P95, 95_000}, "p99": {l.P99, 99_000}, "max": {l.Max, 100_000},
	} {
		if math.Abs(c.got/c.want-1) > 0.011 {
			t.Errorf("%s: %v, not %v", name, c.got, c.want)
		}
	}
	tail := &drive.Sample{Tally: drive.NewTally(), Elapsed: time.Second}
	for i := range 100_000 {
		tail.Succeeded(1, 1, int64(time.Millisecond)<<(i/99_500)) // 995 of 1000 take 1 ms, the others 2 ms
	}
	if l := sideOf("x", *tail).Latency; l.P99 > 1100 || l.P999 < 1900 {
		t.Errorf("of a tail of 0.5 %%, p99 is %v and p99.9 %v", l.P99, l.P999)
	}
}

func TestConsumeIsJudgedByBytes(t *testing.T) {
	r := &Report{Workload: Consume}
	noop, own := sampleOf(100, time.Second, 10*time.Millisecond), sampleOf(100, time.Second, 10*time.Millisecond)
	own.Bytes = noop.Bytes / 2 // as many requests, shorter answers
	r.Add(pair(noop, own))
	r.Finish()
	if r.Speed.Median != 0.5 {
		t.Errorf("half the bytes are a ratio of %v", r.Speed.Median)
	}
}

func TestVerdictsOfRoundsAreSummedUp(t *testing.T) {
	r := &Report{Workload: EndToEnd}
	for _, v := range []Verdict{{1, 2, 3, 4, 5, 6, 7}, {10, 20, 30, 40, 50, 60, 70}} {
		round := pair(sampleOf(1, time.Second, 0), sampleOf(1, time.Second, 0))
		round.Verdict = &v
		r.Add(round)
	}
	r.Finish()
	if want := (Verdict{11, 22, 33, 44, 55, 66, 77}); *r.Verdict != want {
		t.Errorf("%+v, not %+v", *r.Verdict, want)
	}
}

func TestTimesAreShownAlike(t *testing.T) {
	for us, want := range map[float64]string{0: "0.00 us", 5.474: "5.47 us", 14.6: "14.6 us", 146.2: "146 us", 999.6: "1.00 ms",
		1250: "1.25 ms", 99_960: "100 ms", 2_050_000: "2.05 s", 120e6: "120 s"} {
		if got := span(us); got != want {
			t.Errorf("%v: %s, not %s", us, got, want)
		}
	}
}

func TestForeignRecordsAreNotCalledOurs(t *testing.T) {
	r := &Report{Workload: Consume, Load: Load{Batch: 100, Size: 1000, Value: "letters", Format: "json"}, Topic: "news", Version: "v9"}
	if line := r.headline(); !strings.Contains(line, "100 records of topic news, as they are, as json") ||
		strings.Contains(line, "1000 B") || !strings.Contains(line, "FlashQ v9") {
		t.Error(line)
	}
}
