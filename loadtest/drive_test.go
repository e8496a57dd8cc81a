package loadtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"
)

// load gives a driver to p with n connections.
func load(t *testing.T, p *peer, n int) *driver {
	t.Helper()
	t.Cleanup(p.server.Close)
	requests := produceRequests(p.address, "t", "json", [][]byte{[]byte(`{"records":[{"value":"a"}]}`)})
	d, err := newDriver(t.Context(), p.address, 0, requests, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

func TestEveryRequestIsSentAndCountedOnce(t *testing.T) {
	p := newPeer()
	d := load(t, p, 7)
	s, err := d.run(t.Context(), newPhase(0, 500))
	if err != nil || s.ok != 500 || p.records != 500 || s.latency.TotalCount() != 500 {
		t.Errorf("%v; counted %d, the peer %d, latencies %d", err, s.ok, p.records, s.latency.TotalCount())
	}
}

func TestRefusalsAreCountedByStatus(t *testing.T) {
	p := newPeer()
	p.handle = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "later", http.StatusTooManyRequests) }
	d := load(t, p, 2)
	s, err := d.run(t.Context(), newPhase(0, 20))
	if err != nil || s.ok != 0 || s.errors["429"] != 20 || s.first != `429 "later\n"` {
		t.Errorf("%v; %d succeeded, errors %v, first %s", err, s.ok, s.errors, s.first)
	}
}

func TestAClosingServerIsReconnectedTo(t *testing.T) {
	p := newPeer()
	p.handle = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusOK)
	}
	d := load(t, p, 2)
	s, err := d.run(t.Context(), newPhase(0, 20))
	if err != nil || s.ok != 20 || len(s.errors) != 0 {
		t.Errorf("%v; %d succeeded, errors %v", err, s.ok, s.errors)
	}
}

func TestLostConnectionsAreCountedAndReplaced(t *testing.T) {
	p := newPeer()
	p.handle = func(http.ResponseWriter, *http.Request) {
		p.mu.Lock()
		lose := p.records%5 == 0
		p.mu.Unlock()
		if lose {
			panic(http.ErrAbortHandler)
		}
	}
	d := load(t, p, 1)
	s, err := d.run(t.Context(), newPhase(0, 20))
	if err != nil || s.ok != 16 || s.errors["connection lost"] != 4 {
		t.Errorf("%v; %d succeeded, errors %v", err, s.ok, s.errors)
	}
}

func TestAServerThatIsGoneEndsTheRun(t *testing.T) {
	p := newPeer()
	d := load(t, p, 3)
	p.server.CloseClientConnections()
	p.server.Close()
	if _, err := d.run(t.Context(), newPhase(time.Hour, 0)); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
}

func TestCancelEndsAHangingRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	arrived := make(chan struct{}, 3)
	p := newPeer()
	p.handle = func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done() // it never answers
	}
	requests := produceRequests(p.address, "t", "json", [][]byte{[]byte("x")})
	d, err := newDriver(ctx, p.address, 0, requests, 3)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := d.run(ctx, newPhase(0, 0))
		ended <- err
	}()
	for range 3 {
		<-arrived
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
	d.close()
	p.server.Close()
}

// A server that answers before it has read the body, and hangs up, must be seen as a refusal, not as a lost connection.
func TestAnEarlyRefusalIsRead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		_, _ = conn.Read(make([]byte, 1))
		_ = conn.Close() // with input left: the client's write meets a reset
	}()
	c := client{address: l.Addr().String(), requests: [][]byte{make([]byte, 64<<20)}}
	defer c.close()
	a, err := c.exchange(t.Context(), time.Now())
	if err != nil || a.status != 413 {
		t.Errorf("got %d, %v", a.status, err)
	}
}

func TestProcessCPUGrowsWithWork(t *testing.T) {
	before, ok := processCPU(0)
	if !ok {
		t.Fatal("own CPU time is unknown")
	}
	sha256.Sum256(make([]byte, 1<<20))
	if after, _ := processCPU(0); after <= before {
		t.Errorf("%v before the work, %v after it", before, after)
	}
	if _, ok := processCPU(1 << 28); ok {
		t.Error("a process that can't exist has a CPU time")
	}
}
