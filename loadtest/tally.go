package loadtest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the largest latency that is told apart.
const longest = time.Minute

// tally counts what was seen. It belongs to one goroutine.
type tally struct {
	sent    int64            // requests written, repeats too
	ok      int64            // answered with 2xx: these alone make rates and latencies
	retried int64            // repeats of refused requests
	refusal map[int]int64    // answers that asked to come back later, by status
	errors  map[string]int64 // failed requests by status, or by what happened instead of an answer
	first   string           // the first of the errors, for the report
	records int64
	bytes   int64
	latency *hdrhistogram.Histogram
	max     time.Duration // exact, as the histogram is not
}

// shared is a loop's tally, which the sampler empties from time to time.
type shared struct {
	sync.Mutex
	tally
}

func newTally() *tally {
	// From 100 ns on, to within 1 %: 24 KiB, so that a loop's own stays in cache.
	return &tally{refusal: map[int]int64{}, errors: map[string]int64{}, latency: hdrhistogram.New(100, int64(longest), 2)}
}

// failures is how many requests were given up.
func (t *tally) failures() int64 {
	var n int64
	for _, k := range t.errors {
		n += k
	}
	return n
}

// all is how many requests the server had to do with.
func (t *tally) all() int64 { return t.ok + t.failures() + t.retried }

func (t *tally) succeeded(records, bytes, nanoseconds int64) {
	t.ok++
	t.records += records
	t.bytes += bytes
	t.took(nanoseconds)
}

func (t *tally) took(nanoseconds int64) {
	t.max = max(t.max, time.Duration(nanoseconds))
	// The only error is a value out of range, and it is within.
	_ = t.latency.RecordValue(min(max(nanoseconds, 0), int64(longest)))
}

func (t *tally) refused(status int) { t.refusal[status]++ }

func (t *tally) failed(err error) { t.note(failureName(err), err.Error()) }

func (t *tally) note(name, text string) {
	t.errors[name]++
	t.firstOf(text)
}

func (t *tally) firstOf(text string) {
	if t.first == "" {
		t.first = text
	}
}

// merge adds what another tally counted.
func (t *tally) merge(o *tally) {
	t.sent += o.sent
	t.ok += o.ok
	t.retried += o.retried
	t.records += o.records
	t.bytes += o.bytes
	for status, n := range o.refusal {
		t.refusal[status] += n
	}
	for name, n := range o.errors {
		t.errors[name] += n
	}
	t.firstOf(o.first)
	t.latency.Merge(o.latency)
	t.max = max(t.max, o.max)
}

// drain moves all that was counted to another tally.
func (t *tally) drain(to *tally) {
	to.merge(t)
	clear(t.refusal)
	clear(t.errors)
	t.latency.Reset()
	*t = tally{refusal: t.refusal, errors: t.errors, latency: t.latency}
}

// quantile is a latency that this share of requests (0 to 100) did not exceed.
func (t *tally) quantile(percent float64) time.Duration {
	return min(time.Duration(t.latency.ValueAtQuantile(percent)), t.max)
}

func (t *tally) errorCounts() map[string]int64 {
	if len(t.errors) == 0 {
		return nil
	}
	return maps.Clone(t.errors)
}

func (t *tally) refusalCounts() map[string]int64 {
	if len(t.refusal) == 0 {
		return nil
	}
	counts := map[string]int64{}
	for status, n := range t.refusal {
		counts[strconv.Itoa(status)] = n
	}
	return counts
}

// failureName sorts what happened instead of an answer into few kinds.
func failureName(err error) string {
	switch {
	case errors.Is(err, errAnswer):
		return "unreadable answer"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection lost"
	}
	return "network error"
}

// excerpt is the beginning of a body, as one line.
func excerpt(body []byte) string {
	const enough = 300
	if len(body) > enough {
		return fmt.Sprintf("%q...", body[:enough])
	}
	return fmt.Sprintf("%q", body)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
