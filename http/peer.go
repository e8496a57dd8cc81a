package http

import (
	"net"
	"syscall"
	"time"
)

// peerCheck is how often a wait looks whether somebody is still there to be answered: within a second a closed peer is
// to be noticed and its end be known.
const peerCheck = 800 * time.Millisecond

// peer looks after the client of a fetch that waits: the server would not read from the connection before it has
// answered, so it would not notice that the client is gone.
type peer struct {
	raw    syscall.RawConn
	ticker *time.Ticker
	ticks  <-chan time.Time // nil where there is no socket to look at
}

func lookAfter(c net.Conn) peer {
	for { // down to the socket
		switch wrapped := c.(type) {
		case *patientConn:
			c = wrapped.Conn
			continue
		case interface{ NetConn() net.Conn }: // TLS
			c = wrapped.NetConn()
			continue
		}
		break
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return peer{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return peer{}
	}
	ticker := time.NewTicker(peerCheck)
	return peer{raw: raw, ticker: ticker, ticks: ticker.C}
}

func (p peer) stop() {
	if p.ticker != nil {
		p.ticker.Stop()
	}
}

// gone tells whether the peer has closed its side. It peeks: bytes that wait are the next request, whose sender lives.
func (p peer) gone() (closed bool) {
	_ = p.raw.Control(func(fd uintptr) { // not Read, which the connection's deadline may end
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch err {
		case nil:
			closed = n == 0
		case syscall.EAGAIN, syscall.EINTR:
		default:
			closed = true
		}
	})
	return closed
}
