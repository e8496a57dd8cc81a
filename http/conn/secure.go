package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

const (
	// handshakeTime is how long a handshake may take, from the connection's beginning.
	handshakeTime = 10 * time.Second
	// mostHandshake bounds what a peer may say in it, in bytes; a hello has 2 KiB at most, unless somebody plays.
	mostHandshake = 16 << 10
	// farewell is how long a connection that closes waits for room to say so: to the system it is a few bytes.
	farewell = 5 * time.Millisecond
)

// TLS makes connections speak it. What looks after a connection (patientConn) is below the encryption: it sees the
// bytes that travel. Above, a write whose deadline has passed could not be gone on with. nil is plain TCP.
type TLS struct {
	config *tls.Config
	plain  func() []byte // the answer to who speaks plain HTTP
	log    *slog.Logger
}

// NewTLS makes one that shows the certificate which is current when a connection begins. plain gives the answer, head
// and body, to a request that is not encrypted.
func NewTLS(current func() *tls.Certificate, plain func() []byte, log *slog.Logger) *TLS {
	return &TLS{plain: plain, log: log, config: &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current(), nil },
		NextProtos:                  []string{"http/1.1"},
		DynamicRecordSizingDisabled: true, // answers are large and networks near
	}}
}

// On gives a listener for connections of Listen.
func (t *TLS) On(patient net.Listener) net.Listener {
	if t == nil {
		return patient
	}
	l := &secureListener{Listener: patient, of: t}
	l.open, l.closed = context.WithCancel(context.Background())
	return l
}

type secureListener struct {
	net.Listener
	of     *TLS
	open   context.Context // ends with the listener, and with it handshakes that are not done
	closed context.CancelFunc
}

// Accept implements net.Listener. The handshake is the connection's own matter.
func (l *secureListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &wire{patientConn: c.(*patientConn), room: mostHandshake} // On says so
	return &secureConn{Conn: tls.Server(w, l.of.config), wire: w, listener: l}, nil
}

// Close implements net.Listener.
func (l *secureListener) Close() error {
	l.closed()
	return l.Listener.Close()
}

// secureConn belongs to the goroutine that serves the connection, but for Close.
type secureConn struct {
	*tls.Conn
	wire     *wire
	listener *secureListener
	failed   bool // the handshake has; what is below is closed
}

// Handshake is called by fasthttp before it reads, in the connection's goroutine; an error shows in Read.
func (c *secureConn) Handshake() error {
	l := c.listener
	ctx, cancel := context.WithTimeout(l.open, handshakeTime)
	defer cancel()
	err := c.HandshakeContext(ctx)
	if err == nil {
		c.wire.room = -1
		c.wire.phase = idle
		return nil
	}
	c.failed = true
	l.of.log.Debug("TLS handshake failed", "remote", c.RemoteAddr().String(), "error", err)
	var foreign tls.RecordHeaderError
	if errors.As(err, &foreign) && foreign.Conn != nil && looksLikeHTTP(foreign.RecordHeader) {
		answerUnread(c.wire.Conn, l.of.plain())
	}
	_ = c.wire.Close() // nothing is left to be said
	return err
}

// looksLikeHTTP tells by the first bytes of what should have been a handshake.
func looksLikeHTTP(first [5]byte) bool {
	switch string(first[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "DELET", "OPTIO", "PATCH":
		return true
	}
	return false
}

// Read implements net.Conn.
func (c *secureConn) Read(p []byte) (int, error) {
	if c.failed {
		return 0, net.ErrClosed // which fasthttp does not answer
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn. Any goroutine may call it, and it does not wait for the peer.
func (c *secureConn) Close() error {
	c.wire.closing.Store(true)
	return c.Conn.Close()
}

// wire is what is below the encryption.
type wire struct {
	*patientConn
	room    int         // bytes that the handshake may still take; below 0: it is done
	broken  bool        // a write has failed, so that the peer could make nothing of another one
	closing atomic.Bool // what is written is the farewell, by whichever goroutine closes
}

var errLongHandshake = errors.New("the handshake is larger than 16 KiB")

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.room < 0 {
		return w.patientConn.Read(p)
	}
	if w.room == 0 {
		return 0, errLongHandshake
	}
	n, err := w.patientConn.Read(p[:min(len(p), w.room)])
	w.room -= n
	return n, err
}

// Write implements net.Conn. tls.Conn sees to it that there is one at a time.
func (w *wire) Write(p []byte) (int, error) {
	if w.broken {
		return 0, net.ErrClosed
	}
	if w.closing.Load() {
		if err := w.Conn.SetWriteDeadline(time.Now().Add(farewell)); err != nil {
			return 0, err
		}
		return w.Conn.Write(p)
	}
	n, err := w.patientConn.Write(p)
	w.broken = err != nil
	return n, err
}

// SetWriteDeadline implements net.Conn. That of the farewell is our own.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.closing.Load() {
		return nil
	}
	return w.patientConn.SetWriteDeadline(t)
}

// patientOf finds what looks after a connection of the server; nil where nobody does.
func patientOf(c net.Conn) *patientConn {
	switch c := c.(type) {
	case *patientConn:
		return c
	case *secureConn:
		return c.wire.patientConn
	}
	return nil
}
