package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// phase is one warm-up or one measurement, shared by the clients that are in it.
type phase struct {
	until time.Time    // zero is for ever
	left  atomic.Int64 // requests
}

// newPhase lasts for d (zero: for ever) or n requests (zero: any number), whichever is first.
func newPhase(d time.Duration, n int64) *phase {
	p := &phase{}
	if d > 0 {
		p.until = time.Now().Add(d)
	}
	if n == 0 {
		n = math.MaxInt64
	}
	p.left.Store(n)
	return p
}

// take asks for one more request.
func (p *phase) take(now time.Time) bool {
	return (p.until.IsZero() || now.Before(p.until)) && p.left.Add(-1) >= 0
}

// usedUp tells that the requests ended before the time did.
func (p *phase) usedUp() bool { return p.left.Load() < 0 }

// sample is what one measurement found.
type sample struct {
	*tally
	elapsed   time.Duration
	server    time.Duration // CPU time of the server, where known
	known     bool          // server
	generator time.Duration // CPU time of this process
	usedUp    bool
}

// driver is the connections to one server, with the requests that they send in turn.
type driver struct {
	clients []*client
	pid     int // of the server, 0 where unknown
}

// newDriver connects.
func newDriver(ctx context.Context, address string, pid int, requests [][]byte, connections int) (*driver, error) {
	d := &driver{pid: pid}
	for i := range connections {
		c := &client{address: address, requests: requests, next: i % len(requests)}
		d.clients = append(d.clients, c)
		if err := c.connect(ctx); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *driver) close() {
	for _, c := range d.clients {
		c.close()
	}
}

// run drives one phase with all clients and waits for the last answer, so that the CPU times are of these requests.
func (d *driver) run(ctx context.Context, p *phase) (sample, error) {
	tallies := make([]*tally, len(d.clients))
	errs := make([]error, len(d.clients))
	for i := range tallies {
		tallies[i] = newTally()
	}
	var all sync.WaitGroup
	before := d.look()
	for i, c := range d.clients {
		all.Go(func() { errs[i] = c.run(ctx, p, tallies[i]) })
	}
	all.Wait()
	after := d.look()

	s := after.since(before)
	s.usedUp = p.usedUp()
	s.tally = newTally()
	for _, t := range tallies {
		s.merge(t)
	}
	if err := ctx.Err(); err != nil {
		return s, fmt.Errorf("stopped: %w", err)
	}
	return s, first(errs...)
}

// moment is one reading of the clocks.
type moment struct {
	at                time.Time
	server, generator time.Duration
	known             bool // server
}

func (d *driver) look() moment {
	var m moment
	if d.pid != 0 {
		m.server, m.known = processCPU(d.pid)
	}
	m.generator, _ = processCPU(0)
	m.at = time.Now()
	return m
}

func (m moment) since(b moment) sample {
	return sample{
		elapsed:   m.at.Sub(b.at),
		server:    m.server - b.server,
		known:     m.known && b.known,
		generator: m.generator - b.generator,
	}
}

// errNoSuccess is returned when a server refused all that was sent: there is nothing to report on.
var errNoSuccess = errors.New("no request succeeded")
