package loadtest

import (
	"fmt"
	"runtime"
	"time"

	"flashq/loadtest/report"
)

func newReport(p *plan) *report.Report {
	c := p.config
	r := &report.Report{
		Started:     time.Now().UTC().Truncate(time.Second),
		Version:     c.Version,
		Workload:    c.Workload,
		Machine:     report.Machine{CPUs: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()},
		Load:        c.Load,
		BodyBytes:   total(p.cargo.bodies) / len(p.cargo.bodies),
		Connections: c.Connections,
		Rate:        c.Rate,
		Pinned:      c.Pin,
		Server:      serverName(c),
	}
	if c.Beside != report.Noop && !c.SkipNoop {
		r.Beside = c.Beside
	}
	if c.Some() {
		r.Growth = &c.Growth
	}
	if c.isSecure() {
		r.Note("over TLS each connection has a goroutine in place of epoll, and encryption costs the client, too: compare " +
			"only with other runs over TLS")
	}
	if n := distinctKeys(c.Load, len(p.cargo.bodies)); n < c.Keys {
		r.Note(fmt.Sprintf("%d of %d keys were used: the rotation of bodies is bounded to stay in cache", n, c.Keys))
	}
	return r
}

func serverName(c Config) string {
	switch {
	case c.Workload == report.Noop:
		return "none"
	case c.Target != "":
		return c.Target
	case c.Storage == "file" && c.Fsync != "":
		return c.Storage + ", fsync " + c.Fsync
	}
	return c.Storage
}
