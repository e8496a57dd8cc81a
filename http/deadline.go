package http

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// The server sets three deadlines a request, always to now plus the same times, and each costs a call into the
// runtime's poller. A deadline that would move by less than deadlineSlack is left where it is: it comes so much early.
const deadlineSlack = time.Second

// patientListener gives connections whose deadlines move in steps of deadlineSlack.
type patientListener struct {
	net.Listener

	log *slog.Logger
}

// acceptPause is how long accepting waits when the process has no room for another connection.
const acceptPause = 100 * time.Millisecond

// Accept implements net.Listener. fasthttp takes most errors for the end of the server, but too many connections are
// not one: those that are open go on, and the next one is taken when some have closed.
func (l patientListener) Accept() (net.Conn, error) {
	for told := false; ; told = true {
		c, err := l.Listener.Accept()
		if err == nil {
			return &patientConn{Conn: c}, nil
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
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// patientConn belongs to the goroutine that serves the connection, as far as deadlines go.
type patientConn struct {
	net.Conn

	read, write time.Time // as the connection has them; zero is none
}

// near tells that moving a deadline from old to t changes too little to be worth it.
func near(old, t time.Time) bool {
	d := t.Sub(old)
	return !old.IsZero() && !t.IsZero() && d >= 0 && d < deadlineSlack
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	if near(c.read, t) {
		return nil
	}
	c.read = t
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	if near(c.write, t) {
		return nil
	}
	c.write = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	c.read, c.write = t, t
	return c.Conn.SetDeadline(t)
}
