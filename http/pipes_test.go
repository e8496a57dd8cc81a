package http

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"flashq/actor"
)

// pipes is a listener whose connections keep nothing in between: a peer that doesn't take an answer has it wait in the
// server. They come from any address.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// from is a connection's server end with the address of its client.
type from struct {
	net.Conn

	ip net.IP
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: f.ip, Port: 1} }

func (p *pipes) dial(t *testing.T, ip string) net.Conn {
	t.Helper()
	served, client := net.Pipe()
	p.dialled <- from{served, net.ParseIP(ip)}
	t.Cleanup(func() { client.Close() })
	return client
}

// send writes a request that may never be taken whole.
func (p *pipes) send(t *testing.T, ip, request string) net.Conn {
	t.Helper()
	c := p.dial(t, ip)
	go func() { _, _ = io.WriteString(c, request) }()
	return c
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, io.EOF
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 1} }

// piped is a server on pipes over a real engine, beside a fixture that speaks to the same one. Its clients have to leave
// before the test ends.
func piped(t *testing.T, c Config) (f *fixture, s *Server, p *pipes) {
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
	c.Broker = b
	s, p = New(c), &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
	served := make(chan error, 1)
	recording := recorded(t, s, p)
	go func() { served <- s.Serve(recording) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f, s, p
}
