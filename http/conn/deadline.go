package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/budget"
)

// A connection may wait a minute for the next request, most of it parked (park.go), and a head has a minute from its
// first byte. A body and an answer take as long as they take, as long as the peer keeps up a pace (pace.go): they are
// read and written with short deadlines, after each of which it is looked how far the peer has got.
//
// Each deadline that is set costs a look at the clock and a call into the runtime's poller, so a connection sets one
// again only when the seconds have moved on since it last did: it may come a second early.
const (
	headTimeout = 60 * time.Second
	// tick is how long a body or an answer is waited for between two looks at the pace.
	tick = 1200 * time.Millisecond
	// idleTick is how long the next request is waited for before the connection is parked.
	idleTick = 2 * tick
)

// never is when a deadline was set that is not of use any more.
const never = -1

// phase is what is read from a connection.
type phase int

const (
	idle   phase = iota // the first byte of a request
	head                // the rest of its head, or a body that nobody asked for
	body                // a body, paced
	strict              // anything, until a deadline that somebody has set
)

// patientConn belongs to the goroutine that serves the connection, as far as deadlines go.
type patientConn struct {
	net.Conn

	share *budget.Share // of its address
	guest *guest        // set before use; nil: it is of no listener
	end   atomic.Int32  // atomic: what Close does, see parks
	first []byte        // what has been read already

	seconds     *seconds
	read, write int64 // the second in which each deadline was last set, or never
	began       int64 // the second in which the head did
	bare        bool  // it is served as it is, so that it can be parked: TLS on top would see an end
	phase       phase
	ticks       bool // the read deadline is a tick, not the whole patience
	arrived     int  // bytes of a body since its pace was judged
	pace        pace // of the body

	// bodies and answers are the budgets of which the body that is read, the answer that is written, holds a part.
	bodies, answers *budget.Budget

	// waits is told at each look at a peer that is slow whether it has taken anything; nil: nobody asks. Only of a stream.
	waits func(took bool)
	// revoked is closed when the peer of a stream is to get nothing more; nil: never.
	revoked <-chan struct{}
}

func newPatientConn(c net.Conn, s *seconds) *patientConn {
	return &patientConn{Conn: c, seconds: s, read: never, write: never}
}

// Read implements net.Conn.
func (c *patientConn) Read(p []byte) (int, error) {
	switch c.phase {
	case idle:
		return c.readFirst(p)
	case head:
		return c.readHead(p)
	case body:
		return c.readBody(p)
	}
	return c.Conn.Read(p)
}

// readFirst waits for the first byte of a request. When it does not come soon the connection seems to end, and is
// parked when it is closed: nothing of a request has been read.
func (c *patientConn) readFirst(p []byte) (int, error) {
	if n := copy(p, c.first); n > 0 {
		c.first = c.first[n:]
		c.phase, c.began = head, c.seconds.count.Load()
		return n, nil
	}
	for wait := idleTick; ; wait = headTimeout - idleTick {
		if now := c.seconds.count.Load(); now != c.read {
			c.read = now
			if err := c.Conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
				return 0, err
			}
		}
		n, err := c.Conn.Read(p)
		switch {
		case n > 0:
			c.phase, c.began = head, c.seconds.count.Load()
			return n, err
		case !IsTimeout(err):
			return n, err
		case c.bare && c.guest != nil:
			c.end.CompareAndSwap(closes, parks) // it may have been closed meanwhile
			return 0, io.EOF
		case wait != idleTick:
			return 0, err
		}
		c.read = never
	}
}

// readHead reads the rest of a head, which may have begun with little of its deadline left.
func (c *patientConn) readHead(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || !IsTimeout(err) {
			return n, err
		}
		left := headTimeout - time.Duration(c.seconds.count.Load()-c.began)*time.Second
		if left <= 0 {
			return 0, err
		}
		c.read = never
		if err := c.Conn.SetReadDeadline(time.Now().Add(left)); err != nil {
			return 0, err
		}
	}
}

// BeginBody tells a connection that a body is read from now on, until the next request, for which a part of a budget is
// held.
func BeginBody(c net.Conn, of *budget.Budget) {
	if c := patientOf(c); c != nil {
		c.phase, c.bodies, c.arrived, c.pace = body, of, 0, pace{}
	}
}

// readBody reads for as long as the peer keeps its pace.
func (c *patientConn) readBody(p []byte) (int, error) {
	for {
		if now := c.seconds.count.Load(); now != c.read || !c.ticks {
			clock := time.Now()
			if !c.pace.keeps(clock, c.arrived, mostPause(c.bodies, patience)) {
				return 0, os.ErrDeadlineExceeded
			}
			c.read, c.ticks, c.arrived = now, true, 0
			if err := c.Conn.SetReadDeadline(clock.Add(tick)); err != nil {
				return 0, err
			}
		}
		n, err := c.Conn.Read(p)
		c.arrived += n
		if n > 0 || !IsTimeout(err) {
			return n, err
		}
		c.read = never
	}
}

// mostPause is the longest pause of a peer for which a part of a budget is held.
func mostPause(b *budget.Budget, usual time.Duration) time.Duration {
	if b != nil && b.Short() {
		return patienceShort
	}
	return usual
}

// Write implements net.Conn.
func (c *patientConn) Write(p []byte) (int, error) {
	if now := c.seconds.count.Load(); now != c.write {
		c.write = now
		if err := c.Conn.SetWriteDeadline(time.Now().Add(2 * tick)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Write(p)
	if err == nil || !IsTimeout(err) {
		return n, err
	}
	return c.writeOn(p, n)
}

// writeOn goes on with p, of which n bytes are written, for as long as the peer keeps its pace.
func (c *patientConn) writeOn(p []byte, n int) (int, error) {
	var peer pace
	taken := 0
	for {
		left, known := unsent(c.Conn)
		usual := patienceOut
		if !known {
			usual = patienceBlind
		}
		now := time.Now()
		moved := max(n-left-taken, 0)
		if c.isRevoked() || !peer.keeps(now, moved, mostPause(c.answers, usual)) {
			c.forget()
			return n, os.ErrDeadlineExceeded
		}
		if c.waits != nil {
			c.waits(moved > 0)
		}
		taken = n - left
		c.write = never
		if err := c.Conn.SetWriteDeadline(now.Add(tick)); err != nil {
			return n, err
		}
		more, err := c.Conn.Write(p[n:])
		n += more
		if err == nil || !IsTimeout(err) {
			return n, err
		}
	}
}

func (c *patientConn) isRevoked() bool {
	select {
	case <-c.revoked:
		return true
	default:
		return false
	}
}

// forget has the system drop what it holds for the peer when the connection is closed: it would keep megabytes for as
// long as the peer's machine answers, and the peer would not hear that it has been cut off.
func (c *patientConn) forget() {
	if socket, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = socket.SetLinger(0) // then it is kept
	}
}

// IsTimeout tells that a deadline has passed.
func IsTimeout(err error) bool {
	var late interface {
		error
		Timeout() bool
	}
	return errors.As(err, &late) && late.Timeout()
}

// Follow is told how far a connection's requests are, by fasthttp. One that is through, with what its handler left of
// the body, is followed by another one, whose first byte may have come with it.
func Follow(c net.Conn, state fasthttp.ConnState) {
	p := patientOf(c)
	switch {
	case p == nil:
	case state == fasthttp.StateNew:
		_, p.bare = c.(*patientConn)
	case state == fasthttp.StateActive && p.phase == idle:
		p.phase, p.began = head, p.seconds.count.Load()
	case state == fasthttp.StateIdle:
		p.phase = idle
		if p.ticks {
			p.ticks, p.read = false, never
		}
	}
}

// SetReadDeadline implements net.Conn: it holds until the next request, whatever is read.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.read, c.phase = never, strict
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	c.write = never
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
