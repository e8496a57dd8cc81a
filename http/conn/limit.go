package conn

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
)

// Bound is on the connections that are open at a time, so that they leave descriptors to the files. Who comes next
// waits in the system's queue until one closes. nil is no bound.
type Bound struct {
	log    *slog.Logger
	logged rarely
	open   chan struct{} // holds one for each connection
}

// NewBound makes one; 0 is none.
func NewBound(n int, log *slog.Logger) *Bound {
	if n <= 0 {
		return nil
	}
	return &Bound{log: log, open: make(chan struct{}, n)}
}

// On gives a listener that keeps it.
func (b *Bound) On(ln net.Listener) net.Listener {
	if b == nil {
		return ln
	}
	return &bounded{Listener: ln, Bound: b, closed: make(chan struct{})}
}

type bounded struct {
	net.Listener
	*Bound

	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *bounded) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	default:
		if l.logged.due() {
			l.log.Warn("no connection more for now", "open", cap(l.open), "flag", "--max-connections")
		}
		select {
		case l.open <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.open })}, nil
}

// Close implements net.Listener.
func (l *bounded) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted is one of a listener's connections.
type counted struct {
	net.Conn

	leave func()
}

// SyscallConn implements syscall.Conn, where the connection below does.
func (c *counted) SyscallConn() (syscall.RawConn, error) {
	below, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return below.SyscallConn()
}

// SetLinger is for what cuts a peer off, where the connection below has it.
func (c *counted) SetLinger(seconds int) error {
	below, ok := c.Conn.(interface{ SetLinger(seconds int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return below.SetLinger(seconds)
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
