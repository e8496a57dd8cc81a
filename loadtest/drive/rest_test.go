package drive

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"flashq/loadtest/drive/drivetest"
)

func TestARefusedRequestWaitsAsLongAsTheServerSays(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		t.Parallel()
		p := drivetest.New()
		var first atomic.Int64
		p.Handle = func(w http.ResponseWriter, _ *http.Request) {
			if first.CompareAndSwap(0, Clock()) {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			} else {
				first.Add(-Clock()) // what is left is how long it waited
			}
		}
		s, err := load(t, portable, p, 1).Run(t.Context(), NewPhase(0, 1, 0))
		waited := -time.Duration(first.Load())
		if err != nil || s.OK != 1 || s.Retried != 1 || waited < time.Second || waited > 5*time.Second {
			t.Errorf("%v; ok %d, retried %d, repeated after %v", err, s.OK, s.Retried, waited)
		}
	})
}

func TestHowLongARefusalAsksToWait(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 100 * time.Millisecond, "0": 0, "1": time.Second, "7": 7 * time.Second,
		"-1": 100 * time.Millisecond, "soon": 100 * time.Millisecond,
	} {
		if got := restAfter(&Answer{head: []byte("HTTP/1.1 429 x\r\nRetry-After: " + header + "\r\n")}); got != int64(want) {
			t.Errorf("%q: %v, not %v", header, time.Duration(got), want)
		}
	}
}

// answering accepts connections and answers the first request of each with this text, as soon as its first bytes are
// there; soon after it closes, or it keeps the connection and reads no further.
func answering(t *testing.T, text string, closes bool) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write([]byte(text))
			if closes { // a moment later, so that it is no part of the answer
				time.AfterFunc(20*time.Millisecond, func() { conn.Close() })
			} else {
				t.Cleanup(func() { conn.Close() })
			}
		}
	}()
	return l.Addr().String()
}

func TestAConnectionThatEndsWhileIdleIsNoLoss(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		t.Parallel()
		address := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true)
		s, err := drives(t, portable, address, 1, []byte("x")).Run(t.Context(), NewPhase(0, 3, 1)) // a second apart
		if err != nil || s.OK != 3 || s.Failures() != 0 {
			t.Errorf("%v; ok %d, errors %v", err, s.OK, s.errors)
		}
	})
}

// What is left of a request that was answered early would be taken for the next one.
func TestAConnectionWithHalfARequestIsNotUsedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, portable bool) {
		address := answering(t, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", false)
		s, err := drives(t, portable, address, 1, make([]byte, 64<<20)).Run(t.Context(), NewPhase(0, 2, 0))
		if err != nil || s.errors["413"] != 2 || s.Failures() != 2 {
			t.Errorf("%v, errors %v", err, s.errors)
		}
	})
}
