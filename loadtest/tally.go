package loadtest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"syscall"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the largest latency that is told apart; a client's deadline comes before it.
const longest = time.Minute

// tally counts what one client saw in one phase; merged, what all saw. It belongs to one goroutine.
type tally struct {
	ok      int64            // answered with 2xx: these alone make rates and latencies
	errors  map[string]int64 // by status, or by what happened instead of an answer
	first   string           // the first of the errors, for the report
	latency *hdrhistogram.Histogram
	max     time.Duration // exact, as the histogram is not
}

func newTally() *tally {
	// From 100 ns on, to within 1 %: 24 KiB, so that a client's own stays in cache.
	return &tally{errors: map[string]int64{}, latency: hdrhistogram.New(100, int64(longest), 2)}
}

// all is how many requests the server had to do with.
func (t *tally) all() int64 {
	n := t.ok
	for _, k := range t.errors {
		n += k
	}
	return n
}

func (t *tally) answered(a answer, took time.Duration) {
	if a.status/100 != 2 {
		t.note(strconv.Itoa(a.status), fmt.Sprintf("%d %s", a.status, excerpt(a.body)))
		return
	}
	t.ok++
	t.max = max(t.max, took)
	// The only error is a value out of range, and it is within.
	_ = t.latency.RecordValue(int64(min(max(took, 0), longest)))
}

func (t *tally) failed(err error) { t.note(failureName(err), err.Error()) }

func (t *tally) note(name, text string) {
	t.errors[name]++
	if t.first == "" {
		t.first = text
	}
}

// merge adds what another tally counted.
func (t *tally) merge(o *tally) {
	t.ok += o.ok
	for name, n := range o.errors {
		t.errors[name] += n
	}
	if t.first == "" {
		t.first = o.first
	}
	t.latency.Merge(o.latency)
	t.max = max(t.max, o.max)
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
