package loadtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// drives gives a driver to an address with n connections that send the requests in turn.
func drives(t *testing.T, address string, n int, requests ...[]byte) *driver {
	t.Helper()
	d, err := newDriver(t.Context(), driverConfig{address: address, connections: n, timeout: 10 * time.Second,
		source: func(int) source { return newFixed(requests, 1, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

// load gives a driver to p with n connections.
func load(t *testing.T, p *peer, n int) *driver {
	t.Helper()
	t.Cleanup(p.server.Close)
	p.seen()
	return drives(t, p.address, n, produceRequests(p.address, "t", "json", [][]byte{[]byte(`{"records":[{"value":"a"}]}`)})...)
}

func TestEveryRequestIsSentAndCountedOnce(t *testing.T) {
	p := newPeer()
	d := load(t, p, 7)
	for range 2 { // the second phase finds the first one's connections
		s, err := d.run(t.Context(), newPhase(0, 500, 0))
		if err != nil || s.sent != 500 || s.ok != 500 || s.records != 500 || s.latency.TotalCount() != 500 || !s.usedUp {
			t.Errorf("%v; sent %d, ok %d, records %d, latencies %d", err, s.sent, s.ok, s.records, s.latency.TotalCount())
		}
	}
	if p.seen() != 1000 || p.connections.Load() != 7 {
		t.Errorf("the peer saw %d requests on %d connections", p.seen(), p.connections.Load())
	}
}

func TestARefusedRequestIsRepeatedWhenTheServerSaysSo(t *testing.T) {
	p := newPeer()
	var n atomic.Int64
	p.handle = func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%3 == 1 {
			w.Header().Set("Retry-After", "0")
			http.Error(w, "later", http.StatusTooManyRequests)
		}
	}
	d := load(t, p, 1)
	s, err := d.run(t.Context(), newPhase(0, 20, 0))
	if err != nil || s.ok != 20 || s.retried != 10 || s.refusal[429] != 10 || s.sent != 30 || s.failures() != 0 {
		t.Errorf("%v; ok %d, retried %d, refused %v, sent %d, errors %v", err, s.ok, s.retried, s.refusal, s.sent, s.errors)
	}
	if s.first != `429 "later\n"` {
		t.Errorf("first %s", s.first)
	}
}

func TestAServerThatRefusesForEverEndsTheRun(t *testing.T) {
	p := newPeer()
	p.handle = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	d := load(t, p, 2)
	s, err := d.run(t.Context(), newPhase(0, 0, 0))
	if err == nil || s.ok != 0 || s.errors["503"] < failuresInARow || s.retried < failuresInARow*maxRepeats {
		t.Errorf("%v; ok %d, errors %v, retried %d", err, s.ok, s.errors, s.retried)
	}
}

func TestOtherRefusalsAreFailures(t *testing.T) {
	p := newPeer()
	p.handle = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }
	s, err := load(t, p, 2).run(t.Context(), newPhase(0, 20, 0))
	if err != nil || s.ok != 0 || s.errors["400"] != 20 || s.retried != 0 {
		t.Errorf("%v; ok %d, errors %v, retried %d", err, s.ok, s.errors, s.retried)
	}
}

func TestAClosingServerIsReconnectedTo(t *testing.T) {
	p := newPeer()
	p.handle = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusOK)
	}
	s, err := load(t, p, 2).run(t.Context(), newPhase(0, 20, 0))
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
	s, err := load(t, p, 1).run(t.Context(), newPhase(0, 20, 0))
	if err != nil || s.ok != 16 || s.errors["connection lost"] != 4 {
		t.Errorf("%v; %d succeeded, errors %v", err, s.ok, s.errors)
	}
}

func TestAServerThatIsGoneEndsTheRun(t *testing.T) {
	p := newPeer()
	d := load(t, p, 3)
	p.server.CloseClientConnections()
	p.server.Close()
	s, err := d.run(t.Context(), newPhase(time.Hour, 0, 0))
	if err == nil || errors.Is(err, context.Canceled) || s.errors["connection refused"] < failuresInARow {
		t.Errorf("the run ended with %v, errors %v", err, s.errors)
	}
}

func TestAServerThatHangsEndsTheRun(t *testing.T) {
	p := newPeer()
	stop := make(chan struct{})
	p.handle = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	}
	d := load(t, p, 2)
	t.Cleanup(func() { close(stop) })
	for _, l := range d.loops {
		l.timeout = int64(30 * time.Millisecond)
	}
	if s, err := d.run(t.Context(), newPhase(0, 0, 0)); err == nil || s.errors["timeout"] < 2 {
		t.Errorf("the run ended with %v, errors %v", err, s.errors)
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
	p.seen()
	d := drives(t, p.address, 3, produceRequests(p.address, "t", "json", [][]byte{[]byte("x")})...)
	ended := make(chan error)
	go func() {
		_, err := d.run(ctx, newPhase(0, 0, 0))
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

// A server that is slow once makes all late that was due meanwhile: the schedule does not wait for it.
func TestAnOpenLoopCountsFromWhenARequestWasDue(t *testing.T) {
	const pause = 300 * time.Millisecond
	p := newPeer()
	var n atomic.Int64
	p.handle = func(http.ResponseWriter, *http.Request) {
		if n.Add(1) == 50 {
			time.Sleep(pause)
		}
	}
	s, err := load(t, p, 1).run(t.Context(), newPhase(0, 200, 1000))
	if err != nil || s.ok != 200 {
		t.Fatalf("%v; ok %d", err, s.ok)
	}
	if late := s.latency.TotalCount(); s.quantile(50) < 10*time.Millisecond || late != 200 {
		t.Errorf("half of %d were answered within %v, though the server paused for %v", late, s.quantile(50), pause)
	}
	if s.elapsed < 199*time.Millisecond {
		t.Errorf("200 requests at 1000 a second took %v", s.elapsed)
	}
}

func TestAnOpenLoopTellsWhatItNeverSent(t *testing.T) {
	p := newPeer()
	over := make(chan struct{})
	p.handle = func(_ http.ResponseWriter, _ *http.Request) { <-over }
	d := load(t, p, 1)
	end := newPhase(100*time.Millisecond, 0, 1000)
	time.AfterFunc(time.Duration(end.until-clock())+time.Millisecond, func() { close(over) })
	s, err := d.run(t.Context(), end)
	if err != nil || s.ok != 1 || s.unsent != 99 {
		t.Errorf("%v; ok %d, unsent %d", err, s.ok, s.unsent)
	}
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
	s, err := drives(t, l.Addr().String(), 1, make([]byte, 64<<20)).run(t.Context(), newPhase(0, 1, 0))
	if err != nil || s.errors["413"] != 1 || s.failures() != 1 {
		t.Errorf("%v, errors %v", err, s.errors)
	}
}

// Half an answer and the end may come at once: that is told once.
func TestHalfAnAnswerIsALostConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
			_ = conn.Close()
		}
	}()
	s, err := drives(t, l.Addr().String(), 1, []byte("x")).run(t.Context(), newPhase(0, 3, 0))
	if err != nil || s.errors["connection lost"] != 3 || s.failures() != 3 {
		t.Errorf("%v, errors %v", err, s.errors)
	}
}

func TestLargeRequestsAndAnswersComeWhole(t *testing.T) {
	p := newPeer()
	large := make([]byte, 3<<20)
	p.handle = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(large))) // else it comes in chunks
		_, _ = w.Write(large)
	}
	t.Cleanup(p.server.Close)
	p.seen()
	requests := produceRequests(p.address, "t", "json", [][]byte{append(large, `"value":`...)})
	d, err := newDriver(t.Context(), driverConfig{address: p.address, connections: 3, timeout: 10 * time.Second,
		source: func(int) source { return newFixed(requests, 1, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	s, err := d.run(t.Context(), newPhase(0, 12, 0))
	if err != nil || s.ok != 12 || s.bytes != 12*int64(len(large)) {
		t.Errorf("%v; ok %d, %d bytes, errors %v", err, s.ok, s.bytes, s.errors)
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
