package conn

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"flashq/budget"
)

// A connection that waits for a request is parked: fasthttp, which gives each of its connections a goroutine and
// buffers, is told that it ended, and one small goroutine waits for its first byte. With that it is accepted as if it
// were new. So a new connection begins parked.

// What closing a patientConn does.
const (
	closes int32 = iota
	parks
	nothing // it has been done
)

// lot is a listener's connections, those that are parked above all. It gives those that have sent something.
type lot struct {
	net.Listener

	log     *slog.Logger
	seconds *seconds
	shares  *Shares
	full    *refusals
	crowded rarely

	used tidy // counts those that are parked after they were in use

	ready chan *patientConn
	ended chan struct{} // closed when nothing is accepted any more, for err
	err   error

	mu     sync.Mutex
	parked map[*guest]struct{}
	closed chan struct{} // closed by Close, under the lock
}

// guest is a connection, for as long as it is open.
type guest struct {
	net.Conn

	lot   *lot
	share *budget.Share // of its address
	leave func()        // gives the address's place back
}

func newLot(ln net.Listener, log *slog.Logger, s *seconds, shares *Shares, full func() []byte) *lot {
	l := &lot{
		Listener: ln, log: log, seconds: s, shares: shares, full: newRefusals(full),
		ready: make(chan *patientConn), ended: make(chan struct{}),
		parked: map[*guest]struct{}{}, closed: make(chan struct{}),
	}
	go l.run()
	return l
}

// run takes connections from the system until there are none any more.
func (l *lot) run() {
	defer close(l.ended)
	for {
		c, err := l.acceptOne()
		if err != nil {
			l.err = err
			return
		}
		g := &guest{Conn: c, lot: l}
		var ok bool
		if g.share, g.leave, ok = l.shares.enter(c.RemoteAddr()); ok {
			go g.wait(headTimeout)
		} else {
			l.refuse(c)
		}
	}
}

// Accept implements net.Listener.
func (l *lot) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.ended:
		return nil, l.err
	}
}

// Close implements net.Listener. It closes those that are parked, too.
func (l *lot) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	for g := range l.parked {
		_ = g.Conn.Close() // its goroutine does the rest
	}
	return l.Listener.Close()
}

// enter tells whether a connection may be parked.
func (l *lot) enter(g *guest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false
	default:
		l.parked[g] = struct{}{}
		return true
	}
}

func (l *lot) exit(g *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.parked, g)
}

// Parked is how many connections wait for a request.
func (l *lot) Parked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.parked)
}

// wait is where a connection is parked: until its first byte, for so long at most. It has its goroutine to itself.
func (g *guest) wait(most time.Duration) {
	first := make([]byte, 1)
	if !g.lot.enter(g) {
		_ = g.close()
		return
	}
	err := g.Conn.SetDeadline(time.Now().Add(most)) // TLS may write, too
	if err == nil {
		_, err = g.Conn.Read(first)
	}
	g.lot.exit(g)
	if err != nil {
		_ = g.close()
		return
	}
	c := newPatientConn(g.Conn, g.lot.seconds)
	c.share, c.guest, c.first = g.share, g, first
	select {
	case g.lot.ready <- c:
	case <-g.lot.ended:
		_ = g.close()
	}
}

func (g *guest) close() error {
	g.leave()
	return g.Conn.Close()
}

// Close implements net.Conn. It parks a connection that only seemed to end.
func (c *patientConn) Close() error {
	switch was := c.end.Swap(nothing); {
	case c.guest == nil:
		return c.Conn.Close()
	case was == parks:
		c.guest.lot.used.count.Add(1)
		go c.guest.wait(headTimeout - idleTick)
	case was == closes:
		return c.guest.close()
	}
	return nil
}
