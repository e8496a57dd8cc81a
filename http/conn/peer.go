package conn

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// PeerCheck is how often it is looked whether those who wait are still there to be answered: within a second a closed
// peer is to be noticed and its end be known.
const PeerCheck = 800 * time.Millisecond

// Peers looks after the clients of requests that wait: the server would not read from their connections before it has
// answered, so it would not notice that one is gone. One goroutine looks after all of them, and runs only while
// somebody waits; those who wait don't wake up for it. The zero value is ready, and may be used by any number of
// goroutines.
type Peers struct {
	mu      sync.Mutex
	watched []*Peer
	looking bool // the goroutine runs
}

// Peer is the client of one request that waits. It belongs to the request's goroutine.
type Peer struct {
	peers  *Peers
	socket uintptr
	at     int // in peers.watched, under its lock; -1: not there any more
	gone   chan struct{}
}

// Watch looks after the other end of c until Stop, for as long as c is open. It is nil, which is as good, where there
// is no socket to look at.
func (p *Peers) Watch(c net.Conn) *Peer {
	socket, ok := socketOf(c)
	if !ok {
		return nil
	}
	w := &Peer{peers: p, socket: socket, gone: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.at = len(p.watched)
	p.watched = append(p.watched, w)
	if !p.looking {
		p.looking = true
		go p.look()
	}
	return w
}

// Gone is closed when the peer has closed its side.
func (w *Peer) Gone() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.gone
}

// Stop ends the watch. It comes before the connection is closed, or another one may be looked at in its place.
func (w *Peer) Stop() {
	if w == nil {
		return
	}
	w.peers.mu.Lock()
	defer w.peers.mu.Unlock()
	w.peers.remove(w)
}

// remove needs the lock.
func (p *Peers) remove(w *Peer) {
	if w.at < 0 {
		return
	}
	last := len(p.watched) - 1
	p.watched[w.at] = p.watched[last]
	p.watched[w.at].at = w.at
	p.watched[last] = nil
	p.watched = p.watched[:last]
	w.at = -1
}

// look checks all peers again and again until there is none.
func (p *Peers) look() {
	ticker := time.NewTicker(PeerCheck)
	defer ticker.Stop()
	var now []*Peer
	for range ticker.C {
		if now = p.list(now[:0]); len(now) == 0 {
			return
		}
		for rest := now; len(rest) > 0; {
			some := rest[:min(len(rest), atOnce)]
			rest = rest[len(some):]
			p.check(some)
		}
		clear(now)
	}
}

// list appends those who wait now. Where there is none it tells that the goroutine ends.
func (p *Peers) list(dst []*Peer) []*Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looking = len(p.watched) > 0
	return append(dst, p.watched...)
}

// check tells those whose peers are gone. The sockets are looked at without the lock: what a number stands for may have
// changed meanwhile only if its watch has ended, and then nobody is told.
func (p *Peers) check(some []*Peer) {
	var sockets [atOnce]uintptr
	for i, w := range some {
		sockets[i] = w.socket
	}
	var closed [atOnce]bool
	if !hungUp(sockets[:len(some)], closed[:len(some)]) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range some {
		if closed[i] && w.at >= 0 {
			p.remove(w)
			close(w.gone)
		}
	}
}

// atOnce is how many sockets are looked at in one call of the system.
const atOnce = 512

// socketOf finds the socket under a connection.
func socketOf(c net.Conn) (socket uintptr, ok bool) {
	if patient := patientOf(c); patient != nil {
		c = patient.Conn
	}
	under, ok := c.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) { socket = fd })
	return socket, err == nil
}
