package conn

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A request has three deadlines: for its first byte, for the rest of it, and for the answer. Each that is set costs a
// look at the clock and a call into the runtime's poller, so a connection sets a deadline again only when the seconds
// have moved on since it last did: it may come a second early.

// seconds counts them, coarsely: one goroutine looks at the clock for all connections.
type seconds struct{ count atomic.Int64 }

// run counts until stop is closed.
func (s *seconds) run(stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.count.Add(1)
		case <-stop:
			return
		}
	}
}

// What a peer may take for one request or answer.
const (
	ReadTimeout  = 60 * time.Second // for a request's first byte, and for all of it from then on
	WriteTimeout = 60 * time.Second // from when writing begins: a long poll's wait does not count
)

// Listen gives a listener whose connections look after their deadlines, until stop is called.
func Listen(ln net.Listener, log *slog.Logger) (patient net.Listener, stop func()) {
	clock, ended := new(seconds), make(chan struct{})
	go clock.run(ended)
	return patientListener{ln, log, clock}, func() { close(ended) }
}

// Patient gives one connection that sets its deadlines once: for what is served without a listener.
func Patient(c net.Conn) net.Conn { return newPatientConn(c, new(seconds)) }

// patientListener gives connections that look after their deadlines themselves.
type patientListener struct {
	net.Listener

	log     *slog.Logger
	seconds *seconds
}

// acceptPause is how long accepting waits when the process has no room for another connection.
const acceptPause = 100 * time.Millisecond

// Accept implements net.Listener. fasthttp takes most errors for the end of the server, but too many connections are
// not one: those that are open go on, and the next one is taken when some have closed.
func (l patientListener) Accept() (net.Conn, error) {
	for told := false; ; told = true {
		c, err := l.Listener.Accept()
		if err == nil {
			return newPatientConn(c, l.seconds), nil
		}
		if !isCrowded(err) {
			return nil, err
		}
		if !told {
			l.log.Warn("no room for another connection", "error", err)
		}
		time.Sleep(acceptPause)
	}
}

// isCrowded tells that the process or the machine is out of descriptors or buffers for now.
func isCrowded(err error) bool {
	return slices.ContainsFunc(crowdErrors, func(crowd error) bool { return errors.Is(err, crowd) })
}

// never is when a deadline was set that is not one of ours.
const never = -1

// patientConn belongs to the goroutine that serves the connection, as far as deadlines go.
type patientConn struct {
	net.Conn

	seconds     *seconds
	read, write int64 // the second in which each deadline was last set, or never
	idle        bool  // no byte of the next request has come
}

func newPatientConn(c net.Conn, s *seconds) *patientConn {
	return &patientConn{Conn: c, seconds: s, read: never, write: never, idle: true}
}

// Read implements net.Conn.
func (c *patientConn) Read(p []byte) (int, error) {
	if !c.idle {
		return c.Conn.Read(p)
	}
	if err := c.patience(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.idle = false
		if err == nil {
			err = c.patience() // the request's own time begins with its first byte
		}
	}
	return n, err
}

// patience gives reading its full time again.
func (c *patientConn) patience() error {
	now := c.seconds.count.Load()
	if now == c.read {
		return nil
	}
	c.read = now
	return c.Conn.SetReadDeadline(time.Now().Add(ReadTimeout))
}

// Write implements net.Conn.
func (c *patientConn) Write(p []byte) (int, error) {
	if now := c.seconds.count.Load(); now != c.write {
		c.write = now
		if err := c.Conn.SetWriteDeadline(time.Now().Add(WriteTimeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// AwaitNext tells a connection whose request is through, with what its handler left of the body, that what is read from
// now on belongs to another one.
func AwaitNext(c net.Conn, state fasthttp.ConnState) {
	if c, ok := c.(*patientConn); ok && state == fasthttp.StateIdle {
		c.idle = true
	}
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.read = never
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	c.write = never
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	c.read, c.write = never, never
	return c.Conn.SetDeadline(t)
}
