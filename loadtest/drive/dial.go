package drive

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// connect connects, and speaks TLS where a configuration says how.
func connect(ctx context.Context, to target, timeout time.Duration, secure *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", to.String())
	if err != nil || secure == nil {
		return c, err
	}
	s := tls.Client(c, secure)
	if err := s.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake's error says it all
		return nil, err
	}
	return s, nil
}
