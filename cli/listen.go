package cli

import (
	"errors"
	"log/slog"
	"net"
	"strconv"
)

// listeners are where the broker is reached: one address, or both of this machine's own for localhost.
type listeners []net.Listener

// listen opens them. A machine without IPv6 is told of and served all the same.
func listen(address string, logger *slog.Logger) (listeners, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		ln, err := net.Listen("tcp", address)
		return listeners{ln}, err
	}
	ln, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		port = strconv.Itoa(tcp.Port) // port 0 is any, but the same for both
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", port))
	if err != nil {
		logger.Info("listening on 127.0.0.1 only", "error", err)
		return listeners{ln}, nil
	}
	return listeners{ln, six}, nil
}

// addr is the first address, the one to show.
func (l listeners) addr() string { return l[0].Addr().String() }

// close may be called after a server has closed them.
func (l listeners) close() (all error) {
	for _, ln := range l {
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			all = errors.Join(all, err)
		}
	}
	return all
}
