package drive

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

// Driver is the connections to one server, with what they ask.
type Driver struct {
	loops []*loop
	pid   int // of the server, 0 where unknown
	// Watch is told how a phase goes, several times a second; nil is for nobody.
	Watch func(Progress)
}

// Config says what a driver is made of.
type Config struct {
	Address     string
	PID         int
	Connections int
	Loops       int // zero: as many as there are processors, at most
	Timeout     time.Duration
	KeepsBodies bool // for the source to read
	Prompt      bool // latencies count more than requests a second, even in a closed loop
	Source      func(loop int) Source
}

// New resolves the address, and connects with the first requests.
func New(ctx context.Context, c Config) (*Driver, error) {
	to, err := resolve(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	n := min(c.Connections, cmp.Or(c.Loops, runtime.GOMAXPROCS(0)))
	d := &Driver{pid: c.PID}
	for i := range n {
		p, err := newPoller()
		if err != nil {
			d.Close()
			return nil, err
		}
		d.loops = append(d.loops, &loop{number: i, of: n, address: own(to), timeout: int64(c.Timeout), poll: p,
			source: c.Source(i), prompt: c.Prompt, buf: make([]byte, readSize)})
	}
	for i := range c.Connections {
		w := &wire{number: i, fd: -1, in: reader{keeps: c.KeepsBodies}}
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

// Close ends the connections.
func (d *Driver) Close() {
	for _, l := range d.loops {
		l.close()
	}
}

// Run drives one phase with all connections and waits for the last answer, so that the CPU times are of these
// requests. When ctx ends it comes back at once, with what was counted until then.
func (d *Driver) Run(ctx context.Context, p *Phase) (Sample, error) {
	defer context.AfterFunc(ctx, func() { p.end.Store(true) })()
	s := newSampler(p, len(d.loops), d.Watch)
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
	result.Tally, result.Seconds = s.total, s.seconds
	result.UsedUp, result.Unsent = p.usedUp(), p.unsent.Load()
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

func (d *Driver) look() moment {
	var m moment
	if d.pid != 0 {
		m.server, m.known = ProcessCPU(d.pid)
	}
	m.generator, _ = ProcessCPU(0)
	m.at = time.Now()
	return m
}

func (m moment) since(b moment) Sample {
	return Sample{
		Elapsed:   m.at.Sub(b.at),
		Server:    m.server - b.server,
		Known:     m.known && b.known,
		Generator: m.generator - b.generator,
	}
}
