package drive

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

	"flashq/loadtest/drive/drivetest"
)

// onBoth runs a test with the engine of this system and with that of every system.
func onBoth(t *testing.T, test func(t *testing.T, portable bool)) {
	t.Helper()
	t.Run("own", func(t *testing.T) { test(t, false) })
	t.Run("portable", func(t *testing.T) { test(t, true) })
}

// Drives gives a driver to an address with n connections that send the requests in turn.
func drives(t *testing.T, portable bool, address string, n int, requests ...[]byte) *Driver {
	t.Helper()
	d, err := New(t.Context(), Config{Address: address, Connections: n, Timeout: 10 * time.Second, Portable: portable,
		Source: func(int) Source { return NewFixed(requests, 1, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// produce is a produce request.
func produce(host, body string) []byte {
	return Request("POST", Host{Name: host}, "/topics/t/records", "application/json", []byte(body))
}

// load gives a driver to p with n connections.
func load(t *testing.T, portable bool, p *drivetest.Peer, n int) *Driver {
	t.Helper()
	t.Cleanup(p.Server.Close)
	p.Seen()
	return drives(t, portable, p.Address, n, produce(p.Address, `{"records":[{"value":"a"}]}`))
}

func TestEveryRequestIsSentAndCountedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		d := load(t, portable, p, 7)
		for range 2 { // the second phase finds the first one's connections
			s, err := d.Run(t.Context(), NewPhase(0, 500, 0))
			if err != nil || s.Sent != 500 || s.OK != 500 || s.Records != 500 || s.Latency.TotalCount() != 500 || !s.UsedUp {
				t.Errorf("%v; sent %d, ok %d, records %d, latencies %d", err, s.Sent, s.OK, s.Records, s.Latency.TotalCount())
			}
		}
		if p.Seen() != 1000 || p.Connections.Load() != 7 {
			t.Errorf("the peer saw %d requests on %d connections", p.Seen(), p.Connections.Load())
		}
	})
}

func TestARefusedRequestIsRepeatedWhenTheServerSaysSo(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		var n atomic.Int64
		p.Handle = func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1)%3 == 1 {
				w.Header().Set("Retry-After", "0")
				http.Error(w, "later", http.StatusTooManyRequests)
			}
		}
		d := load(t, portable, p, 1)
		s, err := d.Run(t.Context(), NewPhase(0, 20, 0))
		if err != nil || s.OK != 20 || s.Retried != 10 || s.Refusal[429] != 10 || s.Sent != 30 || s.Failures() != 0 {
			t.Errorf("%v; ok %d, retried %d, refused %v, sent %d, errors %v", err, s.OK, s.Retried, s.Refusal, s.Sent, s.errors)
		}
		if s.First != `429 "later"` {
			t.Errorf("first %s", s.First)
		}
	})
}

func TestAServerThatRefusesForEverEndsTheRun(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		p.Handle = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		d := load(t, portable, p, 2)
		s, err := d.Run(t.Context(), NewPhase(0, 0, 0))
		if err == nil || s.OK != 0 || s.errors["503"] < failuresInARow || s.Retried < failuresInARow*maxRepeats {
			t.Errorf("%v; ok %d, errors %v, retried %d", err, s.OK, s.errors, s.Retried)
		}
	})
}

func TestOtherRefusalsAreFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		p.Handle = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }
		s, err := load(t, portable, p, 2).Run(t.Context(), NewPhase(0, 20, 0))
		if err != nil || s.OK != 0 || s.errors["400"] != 20 || s.Retried != 0 {
			t.Errorf("%v; ok %d, errors %v, retried %d", err, s.OK, s.errors, s.Retried)
		}
	})
}

func TestAClosingServerIsReconnectedTo(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		p.Handle = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusOK)
		}
		s, err := load(t, portable, p, 2).Run(t.Context(), NewPhase(0, 20, 0))
		if err != nil || s.OK != 20 || len(s.errors) != 0 {
			t.Errorf("%v; %d succeeded, errors %v", err, s.OK, s.errors)
		}
	})
}

func TestLostConnectionsAreCountedAndReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		p.Handle = func(http.ResponseWriter, *http.Request) {
			p.Mu.Lock()
			lose := p.Records%5 == 0
			p.Mu.Unlock()
			if lose {
				panic(http.ErrAbortHandler)
			}
		}
		s, err := load(t, portable, p, 1).Run(t.Context(), NewPhase(0, 20, 0))
		if err != nil || s.OK != 16 || s.errors["connection lost"] != 4 {
			t.Errorf("%v; %d succeeded, errors %v", err, s.OK, s.errors)
		}
	})
}

func TestAServerThatIsGoneEndsTheRun(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		d := load(t, portable, p, 3)
		p.Server.CloseClientConnections()
		p.Server.Close()
		s, err := d.Run(t.Context(), NewPhase(time.Hour, 0, 0))
		if err == nil || errors.Is(err, context.Canceled) || s.errors["connection refused"] < failuresInARow {
			t.Errorf("the run ended with %v, errors %v", err, s.errors)
		}
	})
}

func TestAServerThatHangsEndsTheRun(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		stop := make(chan struct{})
		p.Handle = func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		}
		t.Cleanup(p.Server.Close)
		t.Cleanup(func() { close(stop) })
		p.Seen()
		d, err := New(t.Context(), Config{Address: p.Address, Connections: 2, Timeout: 30 * time.Millisecond,
			Portable: portable, Source: func(int) Source { return NewFixed([][]byte{produce(p.Address, "x")}, 1, 1) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Close)
		if s, err := d.Run(t.Context(), NewPhase(0, 0, 0)); err == nil || s.errors["timeout"] < 2 {
			t.Errorf("the run ended with %v, errors %v", err, s.errors)
		}
	})
}

func TestCancelEndsAHangingRequest(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		ctx, cancel := context.WithCancel(t.Context())
		arrived := make(chan struct{}, 3)
		p := drivetest.New()
		p.Handle = func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done() // it never answers
		}
		p.Seen()
		d := drives(t, portable, p.Address, 3, produce(p.Address, "x"))
		ended := make(chan error)
		go func() {
			_, err := d.Run(ctx, NewPhase(0, 0, 0))
			ended <- err
		}()
		for range 3 {
			<-arrived
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the run ended with %v", err)
		}
		d.Close()
		p.Server.Close()
	})
}

// A server that is slow once makes all late that was due meanwhile: the schedule does not wait for it.
func TestAnOpenLoopCountsFromWhenARequestWasDue(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		const pause = 300 * time.Millisecond
		p := drivetest.New()
		var n atomic.Int64
		p.Handle = func(http.ResponseWriter, *http.Request) {
			if n.Add(1) == 50 {
				time.Sleep(pause)
			}
		}
		s, err := load(t, portable, p, 1).Run(t.Context(), NewPhase(0, 200, 1000))
		if err != nil || s.OK != 200 {
			t.Fatalf("%v; ok %d", err, s.OK)
		}
		if late := s.Latency.TotalCount(); s.Quantile(50) < 10*time.Millisecond || late != 200 {
			t.Errorf("half of %d were answered within %v, though the server paused for %v", late, s.Quantile(50), pause)
		}
		if s.Elapsed < 199*time.Millisecond {
			t.Errorf("200 requests at 1000 a second took %v", s.Elapsed)
		}
	})
}

func TestAnOpenLoopTellsWhatItNeverSent(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		over := make(chan struct{})
		p.Handle = func(_ http.ResponseWriter, _ *http.Request) { <-over }
		d := load(t, portable, p, 1)
		end := NewPhase(100*time.Millisecond, 0, 1000)
		time.AfterFunc(time.Duration(end.until-Clock())+time.Millisecond, func() { close(over) })
		s, err := d.Run(t.Context(), end)
		if err != nil || s.OK != 1 || s.Unsent != 99 {
			t.Errorf("%v; ok %d, unsent %d", err, s.OK, s.Unsent)
		}
	})
}

// A server that answers before it has read the body, and hangs up, must be seen as a refusal, not as a lost connection.
func TestAnEarlyRefusalIsRead(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
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
		s, err := drives(t, portable, l.Addr().String(), 1, make([]byte, 64<<20)).Run(t.Context(), NewPhase(0, 1, 0))
		if err != nil || s.errors["413"] != 1 || s.Failures() != 1 {
			t.Errorf("%v, errors %v", err, s.errors)
		}
	})
}

// Half an answer and the end may come at once: that is told once.
func TestHalfAnAnswerIsALostConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
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
		s, err := drives(t, portable, l.Addr().String(), 1, []byte("x")).Run(t.Context(), NewPhase(0, 3, 0))
		if err != nil || s.errors["connection lost"] != 3 || s.Failures() != 3 {
			t.Errorf("%v, errors %v", err, s.errors)
		}
	})
}

func TestLargeRequestsAndAnswersComeWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		p := drivetest.New()
		large := make([]byte, 3<<20)
		p.Handle = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(large))) // else it comes in chunks
			_, _ = w.Write(large)
		}
		t.Cleanup(p.Server.Close)
		p.Seen()
		requests := [][]byte{produce(p.Address, string(large)+`"value":`)}
		d, err := New(t.Context(), Config{Address: p.Address, Connections: 3, Timeout: 10 * time.Second, Portable: portable,
			Source: func(int) Source { return NewFixed(requests, 1, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		s, err := d.Run(t.Context(), NewPhase(0, 12, 0))
		if err != nil || s.OK != 12 || s.Bytes != 12*int64(len(large)) {
			t.Errorf("%v; ok %d, %d bytes, errors %v", err, s.OK, s.Bytes, s.errors)
		}
	})
}

func TestProcessCPUGrowsWithWork(t *testing.T) {
	before, ok := ProcessCPU(0)
	if !ok {
		t.Fatal("own CPU time is unknown")
	}
	sha256.Sum256(make([]byte, 1<<20))
	if after, _ := ProcessCPU(0); after <= before {
		t.Errorf("%v before the work, %v after it", before, after)
	}
	if _, ok := ProcessCPU(1 << 28); ok {
		t.Error("a process that can't exist has a CPU time")
	}
}
