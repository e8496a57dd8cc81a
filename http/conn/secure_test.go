package conn

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"flashq/e2e/certs"
)

// securePair is both ends of a connection that speaks TLS, the server's first.
func securePair(t *testing.T, version uint16) (served *secureConn, client *tls.Conn) {
	t.Helper()
	under, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	patient, stop := Listen(under, slog.New(slog.DiscardHandler), NewShares(1, 0, nil), nil)
	t.Cleanup(stop)
	cert := certs.New(t).Issue(t, "test").TLS(t)
	secure := NewTLS(func() *tls.Certificate { return cert }, nil, slog.New(slog.DiscardHandler)).On(patient)
	t.Cleanup(func() { secure.Close() })
	c, err := net.Dial("tcp", under.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = tls.Client(c, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	s, err := secure.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); c.Close() })
	if err := s.(*secureConn).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return s.(*secureConn), client
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// full has the system keep as much for the peer as it will.
func full(t *testing.T, served *secureConn) {
	t.Helper()
	eventually(t, "the peer is full", func() bool {
		if err := served.wire.Conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := served.wire.Conn.Write(make([]byte, 64<<20)); !IsTimeout(err) {
			t.Fatal(err)
		}
		if err := served.wire.Conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err := served.wire.Conn.Write([]byte("x")) // not a byte more
		return IsTimeout(err)
	})
}

// closesSoon closes a connection, and fails where that waits.
func closesSoon(t *testing.T, served *secureConn) {
	t.Helper()
	closed := make(chan struct{})
	go func() {
		_ = served.Close() // the farewell has no room
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(2 * time.Second):
		t.Error("it waits for the peer")
	}
}

// Who takes nothing is not waited for at the end, whether somebody writes to it or not.
func TestClosingTLSWaitsForNobody(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		served, _ := securePair(t, version)
		full(t, served)
		closesSoon(t, served)

		served, _ = securePair(t, version)
		full(t, served)
		writing := make(chan error, 1)
		go func() {
			_, err := served.Write([]byte("more"))
			writing <- err
		}()
		closesSoon(t, served)
		if err := <-writing; err == nil {
			t.Error("more was written")
		}
	}
}

// Who takes nothing is cut off as over TCP: what judges it stands below the encryption.
func TestATLSPeerThatTakesNothingIsCutOff(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // it would take a minute
	}
	served, _ := securePair(t, tls.VersionTLS13)
	served.wire.answers = short(t)
	writing := make(chan error, 1)
	go func() {
		_, err := served.Write(make([]byte, 64<<20))
		writing <- err
	}()
	select {
	case err := <-writing:
		if !IsTimeout(err) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it is written to on and on")
	}
}

func TestTLSSaysFarewell(t *testing.T) {
	for name, version := range versions {
		served, client := securePair(t, version)
		if err := served.Close(); err != nil {
			t.Error(err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the peer reads %v", name, err)
		}
	}
}

// The time that a request has does not begin with the handshake's bytes.
func TestTheFirstRequestHasItsTime(t *testing.T) {
	served, _ := securePair(t, tls.VersionTLS13)
	if served.wire.phase != idle {
		t.Errorf("phase %d", served.wire.phase)
	}
	if patientOf(served) != served.wire.patientConn || !func() bool { _, ok := socketOf(served); return ok }() {
		t.Error("nobody looks after the connection")
	}
}
