package drive

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the largest latency that is told apart.
const longest = time.Minute

// Tally counts what was seen. It belongs to one goroutine.
type Tally struct {
	Sent    int64            // requests written, repeats too
	OK      int64            // answered with 2xx: these alone make rates and latencies
	Retried int64            // repeats of refused requests
	Refusal map[int]int64    // answers that asked to come back later, by status
	errors  map[string]int64 // failed requests by status, or by what happened instead of an answer
	First   string           // the first of the errors, for the report
	Records int64
	Bytes   int64
	Latency *hdrhistogram.Histogram
	Max     time.Duration // exact, as the histogram is not
}

// shared is a loop's tally, which the sampler empties from time to time.
type shared struct {
	sync.Mutex
	Tally
}

// NewTally has counted nothing yet.
func NewTally() *Tally {
	// From 100 ns on, to within 1 %: 24 KiB, so that a loop's own stays in cache.
	return &Tally{Refusal: map[int]int64{}, errors: map[string]int64{}, Latency: hdrhistogram.New(100, int64(longest), 2)}
}

// Failures is how many requests were given up.
func (t *Tally) Failures() int64 {
	var n int64
	for _, k := range t.errors {
		n += k
	}
	return n
}

// All is how many requests the server had to do with.
func (t *Tally) All() int64 { return t.OK + t.Failures() + t.Retried }

// Succeeded counts a request that was answered well, with what it carried and how long it took.
func (t *Tally) Succeeded(records, bytes, nanoseconds int64) {
	t.OK++
	t.Records += records
	t.Bytes += bytes
	t.Took(nanoseconds)
}

// Took counts a latency.
func (t *Tally) Took(nanoseconds int64) {
	t.Max = max(t.Max, time.Duration(nanoseconds))
	// The only error is a value out of range, and it is within.
	_ = t.Latency.RecordValue(min(max(nanoseconds, 0), int64(longest)))
}

func (t *Tally) refused(status int) { t.Refusal[status]++ }

func (t *Tally) failed(err error) { t.Note(failureName(err), err.Error()) }

// Note counts a request that was given up, by a short name; text is what the report may show of it.
func (t *Tally) Note(name, text string) {
	t.errors[name]++
	t.firstOf(text)
}

func (t *Tally) firstOf(text string) {
	if t.First == "" {
		t.First = text
	}
}

// merge adds what another tally counted.
func (t *Tally) merge(o *Tally) {
	t.Sent += o.Sent
	t.OK += o.OK
	t.Retried += o.Retried
	t.Records += o.Records
	t.Bytes += o.Bytes
	for status, n := range o.Refusal {
		t.Refusal[status] += n
	}
	for name, n := range o.errors {
		t.errors[name] += n
	}
	t.firstOf(o.First)
	t.Latency.Merge(o.Latency)
	t.Max = max(t.Max, o.Max)
}

// drain moves all that was counted to another tally.
func (t *Tally) drain(to *Tally) {
	to.merge(t)
	clear(t.Refusal)
	clear(t.errors)
	t.Latency.Reset()
	*t = Tally{Refusal: t.Refusal, errors: t.errors, Latency: t.Latency}
}

// Quantile is a latency that this share of requests (0 to 100) did not exceed.
func (t *Tally) Quantile(percent float64) time.Duration {
	return min(time.Duration(t.Latency.ValueAtQuantile(percent)), t.Max)
}

// ErrorCounts are the errors for a report; nil where there are none.
func (t *Tally) ErrorCounts() map[string]int64 {
	if len(t.errors) == 0 {
		return nil
	}
	return maps.Clone(t.errors)
}

// RefusalCounts are the refusals for a report; nil where there are none.
func (t *Tally) RefusalCounts() map[string]int64 {
	if len(t.Refusal) == 0 {
		return nil
	}
	counts := map[string]int64{}
	for status, n := range t.Refusal {
		counts[strconv.Itoa(status)] = n
	}
	return counts
}

// failureName sorts what happened instead of an answer into few kinds.
func failureName(err error) string {
	is := func(known error) bool { return errors.Is(err, known) }
	switch {
	case is(ErrAnswer):
		return "unreadable answer"
	case is(os.ErrDeadlineExceeded), slices.ContainsFunc(timedOut, is):
		return "timeout"
	case slices.ContainsFunc(refused, is):
		return "connection refused"
	case is(io.EOF), is(io.ErrUnexpectedEOF), slices.ContainsFunc(lost, is):
		return "connection lost"
	}
	return "network error"
}

// Micros is a time in microseconds, the unit of reports.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
