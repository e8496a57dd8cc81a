package drive

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Driver is the connections to one server, with what they ask.
type Driver struct {
	engine engine
	pid    int // of the server, 0 where unknown
	// Watch is told how a phase goes, several times a second; nil is for nobody.
	Watch func(Progress)
}

// engine is what moves bytes, and its ways differ: loops over epoll where there is that, else goroutines.
type engine interface {
	// parts is how many groups of connections count apart from each other.
	parts() int
	// run drives one phase, each group counting in its part. When ctx ends, which ends the phase, it returns at once.
	run(ctx context.Context, p *Phase, parts []*shared) error
	close()
}

// Config says what a driver is made of.
type Config struct {
	Address string // host:port
	// TLS says how to speak it; nil: plain HTTP. It takes the portable way: a loop knows no encryption.
	TLS         *tls.Config
	PID         int // of the server, to know its CPU time; zero: unknown
	Connections int
	Loops       int // groups of connections; zero: as many as there are processors, at most
	Timeout     time.Duration
	KeepsBodies bool                      // for the source to read
	Sink        func(connection int) Sink // nil: nobody sees bodies as they come
	Prompt      bool                      // latencies count more than requests a second, even in a closed loop
	Portable    bool                      // what other systems have to do with, on Linux too
	Source      func(loop int) Source
}

// New resolves the address, and connects with the first requests.
func New(ctx context.Context, c Config) (*Driver, error) {
	to, err := resolve(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	build := newEngine
	if c.Portable || c.TLS != nil {
		build = newPortable
	}
	e, err := build(c, to)
	if err != nil {
		return nil, err
	}
	return &Driver{engine: e, pid: c.PID}, nil
}

// reader is the one of a connection.
func (c Config) reader(connection int) reader {
	r := reader{keeps: c.KeepsBodies}
	if c.Sink != nil {
		r.sink = c.Sink(connection)
	}
	return r
}

// target is a server's address.
type target struct{ netip.AddrPort }

// resolve finds a server's address once, so that no connection ever waits for a name.
func resolve(ctx context.Context, address string) (target, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, fmt.Errorf("address: %w", err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return target{}, fmt.Errorf("address: %w", err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return target{}, fmt.Errorf("address: %w", err)
	}
	return target{netip.AddrPortFrom(ips[0].Unmap(), uint16(number))}, nil
}

// Close ends the connections.
func (d *Driver) Close() { d.engine.close() }

// Run drives one phase with all connections and waits for the last answer, so that the CPU times are of these
// requests. When ctx ends it comes back at once, with what was counted until then.
func (d *Driver) Run(ctx context.Context, p *Phase) (Sample, error) {
	defer context.AfterFunc(ctx, p.stop)()
	s := newSampler(p, d.engine.parts(), d.Watch)
	before := d.readClocks()
	ended := make(chan error, 1)
	go func() { ended <- d.engine.run(ctx, p, s.parts) }()
	err := s.until(ended)
	result := d.readClocks().since(before)
	result.Tally, result.Seconds = s.total, s.seconds
	result.UsedUp, result.Unsent = p.usedUp(), p.unsent.Load()
	if err != nil {
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

func (d *Driver) readClocks() moment {
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
