package loadtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readSize is what a loop reads at once at most: large answers take few system calls.
	readSize = 256 << 10
	// sampleEvery is how often the tallies are looked at while a phase runs.
	sampleEvery = 200 * time.Millisecond
)

// driver is the connections to one server, with what they ask.
type driver struct {
	loops []*loop
	pid   int // of the server, 0 where unknown
	// watch is told how a phase goes, several times a second; nil is for nobody.
	watch func(progress)
}

// driverConfig says what a driver is made of.
type driverConfig struct {
	address     string
	pid         int
	connections int
	loops       int // zero: as many as there are processors, at most
	timeout     time.Duration
	keepsBodies bool // for the source to read
	prompt      bool // latencies count more than requests a second, even in a closed loop
	source      func(loop int) source
}

func newDriver(ctx context.Context, c driverConfig) (*driver, error) {
	to, err := resolve(ctx, c.address)
	if err != nil {
		return nil, err
	}
	n := min(c.connections, cmp.Or(c.loops, runtime.GOMAXPROCS(0)))
	d := &driver{pid: c.pid}
	for i := range n {
		p, err := newPoller()
		if err != nil {
			d.close()
			return nil, err
		}
		d.loops = append(d.loops, &loop{number: i, of: n, address: own(to), timeout: int64(c.timeout), poll: p,
			source: c.source(i), prompt: c.prompt, buf: make([]byte, readSize)})
	}
	for i := range c.connections {
		w := &wire{number: i, fd: -1, in: reader{keeps: c.keepsBodies}}
		d.loops[i%n].wires = append(d.loops[i%n].wires, w)
	}
	return d, nil
}

// resolve finds a server's address once, so that no loop ever waits for a name.
func resolve(ctx context.Context, address string) (unix.Sockaddr, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if v4 := ips[0].IP.To4(); v4 != nil {
		return &unix.SockaddrInet4{Port: number, Addr: [4]byte(v4)}, nil
	}
	return &unix.SockaddrInet6{Port: number, Addr: [16]byte(ips[0].IP.To16())}, nil
}

// own is a copy of an address: connecting writes into it.
func own(to unix.Sockaddr) unix.Sockaddr {
	switch to := to.(type) {
	case *unix.SockaddrInet4:
		return &unix.SockaddrInet4{Port: to.Port, Addr: to.Addr}
	case *unix.SockaddrInet6:
		return &unix.SockaddrInet6{Port: to.Port, Addr: to.Addr}
	}
	return to
}

func (d *driver) close() {
	for _, l := range d.loops {
		l.close()
	}
}

// run drives one phase with all connections and waits for the last answer, so that the CPU times are of these
// requests. When ctx ends it comes back at once, with what was counted until then.
func (d *driver) run(ctx context.Context, p *phase) (sample, error) {
	defer context.AfterFunc(ctx, func() { p.end.Store(true) })()
	s := newSampler(p, len(d.loops), d.watch)
	errs := make([]error, len(d.loops))
	var all sync.WaitGroup
	before := d.look()
	for i, l := range d.loops {
		all.Go(func() {
			if errs[i] = l.run(p, s.parts[i]); errs[i] != nil {
				p.end.Store(true)
			}
		})
	}
	s.until(&all)
	result := d.look().since(before)
	result.tally, result.seconds = s.total, s.seconds
	result.usedUp, result.unsent = p.usedUp(), p.unsent.Load()
	if err := errors.Join(errs...); err != nil {
		return result, err
	}
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("stopped: %w", err)
	}
	if gone := p.gone.Load(); gone != nil {
		return result, *gone
	}
	return result, nil
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
