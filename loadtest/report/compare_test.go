package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reportOf is a report of one round with n requests a second, beside a noop of 1000.
func reportOf(n int, rate float64) *Report {
	r := &Report{Workload: Produce, Load: Load{Batch: 10}, Rate: rate, Machine: Machine{CPUs: 2}}
	r.Add(pair(sampleOf(1000, time.Second, 10*time.Millisecond), sampleOf(n, time.Second, 9*time.Millisecond)))
	r.Finish()
	return r
}

func TestCompareJudgesWhatIsWorse(t *testing.T) {
	slow := reportOf(900, 0)
	slow.Own().Latency.P99 *= 3
	late := reportOf(900, 9000)
	late.Own().Latency.P99 *= 3
	alone, slower := reportOf(900, 0), reportOf(700, 0)
	alone.Speed = nil
	for name, c := range map[string]struct {
		old, new *Report
		want     string
	}{
		"the same":                        {reportOf(900, 0), reportOf(900, 0), ""},
		"better":                          {reportOf(500, 0), reportOf(900, 0), ""},
		"a little worse":                  {reportOf(900, 0), reportOf(850, 0), ""},
		"worse":                           {reportOf(900, 0), slower, "speed ratio went from 0.900 to 0.700, by -22.2 %; allowed: 10 %"},
		"worse, and no ratio":             {alone, slower, "records/s went from 9,000 to 7,000"},
		"latency is a closed loop's game": {reportOf(900, 0), slow, ""},
		"latency of an open loop":         {reportOf(900, 9000), late, "latency p99 went from"},
	} {
		got, err := Compare(c.old, c.new, 0.1)
		if err != nil || (got.Worse == "") != (c.want == "") || !strings.Contains(got.Worse, c.want) {
			t.Errorf("%s: %q, %v", name, got.Worse, err)
		}
		var table strings.Builder
		if err := got.WriteTable(&table); err != nil || !strings.Contains(table.String(), "delta") {
			t.Errorf("%v: %s", err, table.String())
		}
	}
}

func TestOnlyTheSameLoadIsCompared(t *testing.T) {
	other := reportOf(900, 0)
	other.Load.Batch = 11
	consume := reportOf(900, 0)
	consume.Workload = Consume
	for _, old := range []*Report{other, consume, reportOf(900, 5)} {
		if _, err := Compare(old, reportOf(900, 0), 0.1); !errors.Is(err, ErrReport) {
			t.Errorf("%s: %v", old.headline(), err)
		}
	}
}

func TestSavedReportsAreReadBack(t *testing.T) {
	var saved bytes.Buffer
	if err := reportOf(900, 0).WriteJSON(&saved); err != nil {
		t.Fatal(err)
	}
	old, err := ReadReport(&saved)
	if err != nil || old.Own().OK != 900 || old.Speed.Median != 0.9 {
		t.Errorf("%+v, %v", old, err)
	}
	for _, text := range []string{"", "{", "{}", "[]", `{"workload":"produce"}`} {
		if _, err := ReadReport(strings.NewReader(text)); !errors.Is(err, ErrReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPageAndPlotsNeedNothingFromElsewhere(t *testing.T) {
	r := reportOf(900, 0)
	r.Note("<script>alert(1)</script> & so on")
	folder := filepath.Join(t.TempDir(), "plots")
	var page bytes.Buffer
	if err := errors.Join(r.WriteHTML(&page), r.WriteSVGs(folder)); err != nil {
		t.Fatal(err)
	}
	all := page.String()
	for _, name := range []string{"rate", "percentiles", "histogram"} {
		text, err := os.ReadFile(filepath.Join(folder, "produce-"+name+".svg"))
		if err != nil || !strings.Contains(all, string(text)) {
			t.Errorf("%s: %v, or it is not in the page", name, err)
		}
	}
	for _, bad := range []string{"<script", "<link", "src=", "@import", "url(", "NaN", "Inf"} {
		if strings.Contains(all, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, want := range []string{"latency by percentile", "rate over time", "histogram", "99.9", "requests sent", "0.900", "noop", "speed ratio", "CPU ratio", "<td>median</td>", "noop req/s",
		" 700.0,"} {
		if !strings.Contains(all, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	empty := &Report{Workload: Produce}
	empty.Finish()
	if err := empty.WriteHTML(&page); err != nil {
		t.Error(err)
	}
}

func TestTuneNamesAWinnerOnlyBeyondTheSpread(t *testing.T) {
	setting := func(bytes int64, rates ...float64) Setting {
		s := Setting{Storage: "memory", BatchBytes: bytes}
		for _, r := range rates {
			s.rates, s.p99s, s.cpus = append(s.rates, &r), append(s.p99s, &r), append(s.cpus, nil)
		}
		return s
	}
	for want, list := range map[string][]Setting{
		"best --batch-bytes 1MiB, median 31 records/s; its slowest round beats": {
			setting(16<<10, 10, 11, 12), setting(1<<20, 30, 31, 32)},
		"best --batch-bytes 1MiB, median 31 records/s; but 1 of 2 others are within the spread": {
			setting(16<<10, 10, 30, 12), setting(1<<20, 30, 31, 32), setting(2<<20, 1, 2, 3)},
		"of one round alone, so no winner": {setting(16<<10, 10), setting(1<<20, 30)},
	} {
		tuned := &Tuned{Settings: append(list, Setting{Storage: "file", BatchBytes: 1})} // one that was not reached
		tuned.Finish()
		var table strings.Builder
		if err := tuned.WriteTable(&table); err != nil || !strings.Contains(table.String(), want) {
			t.Errorf("%v; no %q in\n%s", err, want, table.String())
		}
		if _, tried := tuned.Best["file"]; tried {
			t.Errorf("best of nothing: %s", tuned.Best["file"])
		}
	}
}
