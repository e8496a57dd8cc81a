package metrics

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func plenty(int) bool { return true }

// A page is what Prometheus' own parser reads, labels with every sign in them included, and its linter finds nothing.
func TestPage(t *testing.T) {
	p := NewPage(plenty)
	seen := NewFamily(Desc{"seen_total", CounterKind, "What was seen."})
	seen.Counter("at", "a\"b\\c\nd").Add(3)
	seen.Counter("at", "b").Inc()
	took := NewFamily(Desc{"took_seconds", HistogramKind, "How long it took."})
	h := took.Histogram([]float64{.5, 1, 2})
	h.Update(.75)
	h.Update(3)
	p.Add(seen)
	p.Add(took)
	p.Part(Desc{"nothing", GaugeKind, "Has no samples."})
	p.One(Desc{"full_ratio", GaugeKind, "How full it is."}, 0.25)
	WriteRuntime(p)

	text := p.AppendTo(nil)
	if len(text) != p.Size() {
		t.Errorf("%d bytes, and Size says %d", len(text), p.Size())
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	got, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if n := got["seen_total"].Metric; len(n) != 2 || n[0].Label[0].GetValue() != "a\"b\\c\nd" || n[0].Counter.GetValue() != 3 {
		t.Errorf("seen_total %v", n)
	}
	if h := got["took_seconds"].Metric[0].Histogram; h.GetSampleCount() != 2 || h.GetSampleSum() != 3.75 || h.Bucket[1].GetCumulativeCount() != 1 {
		t.Errorf("took_seconds %v", h)
	}
	if got["full_ratio"].Metric[0].Gauge.GetValue() != 0.25 || got["nothing"] != nil {
		t.Errorf("%v", got)
	}
	if n := got["go_goroutines"]; n == nil || n.Metric[0].Gauge.GetValue() < 1 {
		t.Errorf("go_goroutines %v", n)
	}
	lint(t, text)
}

func lint(t *testing.T, text []byte) {
	t.Helper()
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A page never holds more than there is room for, and says that it is not whole.
func TestPageWithoutRoom(t *testing.T) {
	most := 0
	p := NewPage(func(bytes int) bool {
		if bytes > 100<<10 {
			return false
		}
		most = bytes
		return true
	})
	part := p.Part(Desc{"many", GaugeKind, "There are many."})
	labels := AppendLabels(nil, "name", strings.Repeat("x", 100))
	for i := range int64(10_000) {
		part.Int(labels, i)
	}
	if !p.Full() || most == 0 || p.Size() > 100<<10 {
		t.Errorf("full %v, %d bytes, %d asked for", p.Full(), p.Size(), most)
	}
}
