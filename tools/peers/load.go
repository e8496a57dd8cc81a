package main

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// callers is how many requests are under way where the row says no other number.
const callers = 32

// call sends one request and returns when it is answered.
type call func(ctx context.Context) error

// tally is what one caller has seen, and only it writes here until the end.
type tally struct {
	latencies []time.Duration
	err       error
}

// closed lets each caller send its next request when the last one is answered; the calls of warm come before and do
// not count. Rate is of calls.
func closed(ctx context.Context, warm, span time.Duration, calls []call) (rate float64, l latency, err error) {
	begin := time.Now().Add(warm)
	end := begin.Add(span)
	tallies := spread(len(calls), func(i int, t *tally) {
		for t.err == nil {
			sent := time.Now()
			if sent.After(end) {
				return
			}
			t.err = calls[i](ctx)
			if sent.After(begin) {
				t.latencies = append(t.latencies, time.Since(sent))
			}
		}
	})
	took := time.Since(begin)
	l, n, err := sum(tallies)
	return float64(n) / took.Seconds(), l, err
}

// pace is how many requests are due each second.
const pace = 1000

// paced makes requests due, whatever the answers take. Latency counts from when a request was handed out: a server that
// pauses is charged with all that waited meanwhile, but not with our own timer, which is late by some 60 us.
func paced(ctx context.Context, warm, span time.Duration, calls []call) (l latency, err error) {
	n := int((warm + span).Seconds() * pace)
	due := make(chan time.Time, n)
	counted := time.Now().Add(warm)
	go func() {
		defer close(due)
		runtime.LockOSThread() // a sleep of the runtime's is up to 1 ms late
		defer runtime.UnlockOSThread()
		began := time.Now()
		for i := range n {
			wait := syscall.NsecToTimespec(int64(time.Until(began.Add(time.Duration(i) * time.Second / pace))))
			if ctx.Err() != nil {
				return
			}
			if wait.Nano() > 0 {
				_ = syscall.Nanosleep(&wait, nil) // woken early, the request is early
			}
			due <- time.Now()
		}
	}()
	var failed atomic.Bool
	tallies := spread(len(calls), func(i int, t *tally) {
		for at := range due {
			if failed.Load() {
				continue
			}
			if t.err = calls[i](ctx); t.err != nil {
				failed.Store(true)
				continue
			}
			if at.After(counted) {
				t.latencies = append(t.latencies, time.Since(at))
			}
		}
	})
	l, _, err = sum(tallies)
	return l, err
}

// spread runs n callers, each with a tally of its own.
func spread(n int, caller func(i int, t *tally)) []tally {
	tallies := make([]tally, n)
	var all sync.WaitGroup
	for i := range tallies {
		all.Go(func() { caller(i, &tallies[i]) })
	}
	all.Wait()
	return tallies
}

// latency is in microseconds.
type latency struct{ p50, p99 float64 }

func sum(tallies []tally) (latency, int, error) {
	var all []time.Duration
	for _, t := range tallies {
		if t.err != nil {
			return latency{}, 0, t.err
		}
		all = append(all, t.latencies...)
	}
	if len(all) == 0 {
		return latency{}, 0, nil
	}
	slices.Sort(all)
	at := func(percent int) float64 { return float64(all[len(all)*percent/100].Nanoseconds()) / 1e3 }
	return latency{p50: at(50), p99: at(99)}, len(all), nil
}
