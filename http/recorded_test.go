package http

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"sync"
	"syscall"
	"testing"
)

// recorder is a listener that keeps what goes over its connections, so that a test's requests and answers can be held
// against the document of the surface.
type recorder struct {
	net.Listener

	mu    sync.Mutex
	conns []*recordedConn
}

// recordedConn is the server's end of one connection.
type recordedConn struct {
	net.Conn

	mu       sync.Mutex
	asked    bytes.Buffer
	answered bytes.Buffer
}

// mostRecorded bounds what is kept of each direction of a connection: what comes after it is not looked at.
const mostRecorded = 4 << 20

func (l *recorder) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	recorded := &recordedConn{Conn: c}
	l.mu.Lock()
	l.conns = append(l.conns, recorded)
	l.mu.Unlock()
	return recorded, nil
}

func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.keep(&c.asked, p[:n])
	return n, err
}

func (c *recordedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.keep(&c.answered, p[:n])
	return n, err
}

func (c *recordedConn) keep(in *bytes.Buffer, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.Len() < mostRecorded {
		in.Write(p)
	}
}

// SyscallConn implements syscall.Conn, where the connection below does.
func (c *recordedConn) SyscallConn() (syscall.RawConn, error) {
	below, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return below.SyscallConn()
}

// roundTrip is a request and its answer.
type roundTrip struct {
	request *nethttp.Request // nil: it can't be read
	asked   []byte
	answer  *nethttp.Response
	body    []byte
	whole   bool // the answer came to its end
}

// roundTrips takes a connection apart. It ends with what is no HTTP, or is not whole.
func (c *recordedConn) roundTrips() (all []roundTrip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, answered := bufio.NewReader(&c.asked), bufio.NewReader(&c.answered)
	for {
		var e roundTrip
		var err error
		if e.request, err = nethttp.ReadRequest(asked); err == nil {
			e.asked, err = io.ReadAll(e.request.Body)
		}
		readable := err == nil
		if !readable && e.request != nil && e.request.Header.Get("Expect") == "" {
			e.request = nil // its body is no body, and what follows no request
		}
		for { // answers before the one that counts
			if e.answer, err = nethttp.ReadResponse(answered, e.request); err != nil {
				return all
			}
			if e.answer.StatusCode != nethttp.StatusContinue {
				break
			}
		}
		e.body, err = io.ReadAll(e.answer.Body)
		e.whole = err == nil
		all = append(all, e)
		if !readable || !e.whole {
			return all
		}
	}
}

// recorded has what goes over a listener held against the document of the surface when the test ends.
func recorded(t testing.TB, s *Server, ln net.Listener) net.Listener {
	l := &recorder{Listener: ln}
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.conns {
			for _, e := range c.roundTrips() {
				if why := surfaceContract().check(s.table, &e); why != nil {
					t.Error(why)
				}
			}
		}
	})
	return l
}
