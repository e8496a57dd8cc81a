package conn

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// pair is both ends of a connection, the server's first.
func pair(t testing.TB) (served, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); c.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

// eventually waits for a condition, with a deadline that only a hang reaches.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPeersTellsWhoIsGone(t *testing.T) {
	for name, test := range map[string]struct {
		leave     func(client *net.TCPConn) error
		linuxOnly bool
	}{
		"closed":                  {func(c *net.TCPConn) error { return c.Close() }, false},
		"closed its sending half": {func(c *net.TCPConn) error { return c.CloseWrite() }, false},
		"closed after a request":  {func(c *net.TCPConn) error { return say(c, c.Close) }, true},
		"reset":                   {func(c *net.TCPConn) error { return say(c, func() error { _ = c.SetLinger(0); return c.Close() }) }, false},
	} {
		if test.linuxOnly && runtime.GOOS != "linux" || runtime.GOOS == "windows" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var peers Peers
			served, client := pair(t)
			other, _ := pair(t)
			w, stays := peers.Watch(newPatientConn(served, new(seconds))), peers.Watch(other)
			defer w.Stop()
			defer stays.Stop()
			begun := time.Now()
			if err := test.leave(client); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the peer is gone", func() bool { return isClosed(w.Gone()) })
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("noticed after %v", took)
			}
			if isClosed(stays.Gone()) {
				t.Error("a peer that is there counts as gone")
			}
		})
	}
}

// say sends the beginning of a next request first.
func say(c net.Conn, then func() error) error {
	if _, err := io.WriteString(c, "GET"); err != nil {
		return err
	}
	return then()
}

func TestAPipelinedRequestIsNoEnd(t *testing.T) {
	var peers Peers
	served, client := pair(t)
	gone, open := pair(t)
	if err := say(client, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	w, first := peers.Watch(served), peers.Watch(gone)
	defer w.Stop()
	defer first.Stop()
	open.Close()
	eventually(t, "all were looked at", func() bool { return isClosed(first.Gone()) })
	if isClosed(w.Gone()) {
		t.Error("a peer that sent its next request counts as gone")
	}
}

// Nobody is looked after who does not wait any more, however the others come and go.
func TestPeersStop(t *testing.T) {
	var peers Peers
	served, client := pair(t)
	other, leaves := pair(t)
	first, second := peers.Watch(served), peers.Watch(other)
	third := peers.Watch(served)
	first.Stop()
	first.Stop()
	client.Close()
	leaves.Close()
	eventually(t, "the others are told", func() bool { return isClosed(second.Gone()) && isClosed(third.Gone()) })
	if isClosed(first.Gone()) {
		t.Error("told after it stopped")
	}
	second.Stop()
	third.Stop()
	eventually(t, "the goroutine ends", func() bool {
		peers.mu.Lock()
		defer peers.mu.Unlock()
		return !peers.looking && len(peers.watched) == 0
	})
	again := peers.Watch(other)
	eventually(t, "it starts again", func() bool { return isClosed(again.Gone()) })
}

// Who stops during a look is not told what was seen at its socket, which may be another's by then.
func TestPeersStopDuringALook(t *testing.T) {
	var peers Peers
	served, client := pair(t)
	w := peers.Watch(served)
	client.Close()
	looked := peers.list(nil)
	w.Stop()
	peers.check(looked)
	if isClosed(w.Gone()) {
		t.Error("told after it stopped")
	}
}

// What has no socket is not looked after, and waits all the same.
func TestPeersWithoutASocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	b.Close()
	var peers Peers
	w := peers.Watch(a)
	if isClosed(w.Gone()) || len(peers.watched) != 0 {
		t.Error("a pipe is watched")
	}
	w.Stop()
}

// BenchmarkPeers10000 is one look at so many; there is one each PeerCheck.
func BenchmarkPeers10000(b *testing.B) {
	var peers Peers
	for range 50 {
		served, _ := pair(b)
		for range 200 {
			defer peers.Watch(served).Stop()
		}
	}
	for b.Loop() {
		now := peers.list(nil)
		for rest := now; len(rest) > 0; {
			some := rest[:min(len(rest), atOnce)]
			rest = rest[len(some):]
			peers.check(some)
		}
	}
}
