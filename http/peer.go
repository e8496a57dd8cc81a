package http

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peerCheck is how often a wait looks whether somebody is still there to be answered: within a second a closed peer is
// to be noticed and its end be known.
const peerCheck = 800 * time.Millisecond

// peer looks after the client of a fetch that waits: the server would not read from the connection before it has
// answered, so it would not notice that the client is gone.
type peer struct {
	raw syscall.RawConn // nil where there is no socket to look at
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
	return peer{raw}
}

// gone tells whether the peer has closed its side, be it behind bytes that wait, which are the next request.
func (p peer) gone() (closed bool) {
	if p.raw == nil {
		return false
	}
	_ = p.raw.Control(func(fd uintptr) { // not Read, which the connection's deadline may end
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(look, 0) // an error of poll itself, as EINTR, tells nothing
		closed = err == nil && n > 0
	})
	return closed
}
