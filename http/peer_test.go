package http

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"flashq/actor"
)

// tcp is a server on a real socket, beside the fixture's in-memory one.
func tcp(t *testing.T) (f *fixture, s *Server, dial func(request string) net.Conn) {
	t.Helper()
	return tcpWith(t, Config{})
}

func tcpWith(t *testing.T, c Config) (f *fixture, s *Server, dial func(request string) net.Conn) {
	t.Helper()
	b, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	f = serve(t, Config{Broker: b})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	c.Broker = b
	s = New(c)
	recording := recorded(t, s, ln)
	go func() { served <- s.Serve(recording) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f, s, func(request string) net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// eventually waits for a condition, with a deadline that only a hang reaches.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAClosedPeerEndsTheWait(t *testing.T) {
	f, s, dial := tcp(t)
	f.createTopic("news", "")
	const get = "GET /topics/news/records?timeout_ms=60000%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
	waiting := func(n int64) func() bool { return func() bool { return s.bounds.waiters.Used() == n } }
	var clients []net.Conn
	for _, query := range []string{"", "&group=h", "&group=g&member=m&session_ms=1000"} {
		clients = append(clients, dial(fmt.Sprintf(get, query)))
	}
	eventually(t, "the fetches wait", waiting(3))
	if _, err := fmt.Fprintf(clients[2], get, ""); err != nil { // a request that nobody reads yet hides no end
		t.Fatal(err)
	}
	for _, c := range clients {
		c.Close()
	}
	eventually(t, "the fetches of closed peers end", waiting(0))
	// And then the lease counts.
	eventually(t, "the dead member is gone", func() bool { return f.get("/groups/g").status == 404 })
}

func TestAPipelinedRequestIsNoClosedPeer(t *testing.T) {
	f, s, dial := tcp(t)
	f.createTopic("news", "")
	c := dial(strings.Repeat("GET /topics/news/records?timeout_ms=1200 HTTP/1.1\r\nHost: localhost\r\n\r\n", 2))
	defer c.Close()
	eventually(t, "the fetch waits", func() bool { return s.bounds.waiters.Used() == 1 })
	begun := time.Now()
	one := make([]byte, 1)
	if _, err := io.ReadFull(c, one); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begun); waited < time.Second {
		t.Errorf("a fetch of 1.2 s was answered after %v", waited)
	}
}
