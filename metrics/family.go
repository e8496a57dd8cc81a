package metrics

import (
	"io"
	"strings"

	vm "github.com/VictoriaMetrics/metrics"
)

// Kind is what a family's samples are.
type Kind string

// The kinds.
const (
	CounterKind   Kind = "counter"
	GaugeKind     Kind = "gauge"
	HistogramKind Kind = "histogram"
	SummaryKind   Kind = "summary"
)

// Desc says what a family is: all samples of one name.
type Desc struct {
	Name string // in base units; a counter's ends in _total
	Kind Kind
	Help string
}

// Counter only ever grows.
type Counter = vm.Counter

// Histogram counts values by bounds that are set when it is made.
type Histogram = vm.PrometheusHistogram

// Family holds the samples of one name that are counted as they happen. It may be used by any number of goroutines.
type Family struct {
	Desc

	set *vm.Set
}

// NewFamily makes one without samples.
func NewFamily(d Desc) *Family { return &Family{d, vm.NewSet()} }

// Counter gives the counter with these labels, name and value by turns.
func (f *Family) Counter(labels ...string) *Counter {
	return f.set.GetOrCreateCounter(f.Name + Labels(labels...))
}

// Histogram gives the histogram with these labels. Its bounds are those of the first call.
func (f *Family) Histogram(bounds []float64, labels ...string) *Histogram {
	return f.set.GetOrCreatePrometheusHistogramExt(f.Name+Labels(labels...), bounds)
}

// Durations is the histogram of durations, in seconds, with these labels.
func (f *Family) Durations(labels ...string) *Histogram { return f.Histogram(durations, labels...) }

// write writes the samples.
func (f *Family) write(w io.Writer) { f.set.WritePrometheus(w) }

// Labels writes labels as they stand behind a name, or nothing.
func Labels(labels ...string) string { return string(AppendLabels(nil, labels...)) }

// AppendLabels appends them.
func AppendLabels(text []byte, labels ...string) []byte {
	if len(labels) == 0 {
		return text
	}
	for i := 0; i < len(labels); i += 2 {
		sign := byte(',')
		if i == 0 {
			sign = '{'
		}
		text = append(append(append(text, sign), labels[i]...), '=', '"')
		text = append(append(text, escape(labels[i+1])...), '"')
	}
	return append(text, '}')
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// escape is nearly never needed: names of topics and groups have no such signs.
func escape(value string) string {
	if !strings.ContainsAny(value, "\\\n\"") {
		return value
	}
	return escapes.Replace(value)
}
