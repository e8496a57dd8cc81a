package conn

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// lodging is a server that answers 200 to everything, over a listener whose connections are parked.
type lodging struct {
	server *fasthttp.Server
	ln     *fasthttputil.InmemoryListener
	lot    *lot
	leave  func()
}

// lodged runs a test of it under a fake clock. fasthttp's own clock is for the whole process, so it starts outside.
func lodged(t *testing.T, test func(t *testing.T, l *lodging)) {
	t.Helper()
	var h fasthttp.ResponseHeader
	_, _ = h.WriteTo(io.Discard)
	synctest.Test(t, func(t *testing.T) {
		ln := fasthttputil.NewInmemoryListener()
		patient, stop := Listen(ln, slog.New(slog.DiscardHandler), NewShares(1, 0, nil), nil)
		l := &lodging{ln: ln, lot: patient.(*lot), server: &fasthttp.Server{
			ConnState: Follow, Handler: func(*fasthttp.RequestCtx) {}, MaxIdleWorkerDuration: time.Second,
		}}
		served := make(chan error, 1)
		go func() { served <- l.server.Serve(patient) }()
		l.leave = sync.OnceFunc(func() {
			if err := l.server.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
			stop()
			time.Sleep(2 * time.Second) // until the server's helpers have seen it
		})
		defer l.leave()
		test(t, l)
	})
}

func (l *lodging) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := l.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// check tells how many connections there are, and how many of them the server has a goroutine for.
func (l *lodging) check(t *testing.T, when string, parked, served int) {
	t.Helper()
	synctest.Wait()
	if n := l.lot.Parked(); n != parked {
		t.Errorf("%s: %d are parked, want %d", when, n, parked)
	}
	if n := int(l.server.GetCurrentConcurrency()); n != served {
		t.Errorf("%s: %d are served, want %d", when, n, served)
	}
}

const request = "GET / HTTP/1.1\r\nHost: flashq\r\n\r\n"

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, r *bufio.Reader) {
	t.Helper()
	a, err := nethttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != 200 {
		t.Fatal(a.Status, err)
	}
}

func TestIdleConnectionsAreParked(t *testing.T) {
	lodged(t, func(t *testing.T, l *lodging) {
		c := l.dial(t)
		r := bufio.NewReader(c)
		l.check(t, "new", 1, 0)
		time.Sleep(40 * time.Second)
		for range 3 {
			send(t, c, request)
			hear(t, r)
			l.check(t, "after a request", 0, 1)
			time.Sleep(time.Second)
			send(t, c, request)
			hear(t, r)
			l.check(t, "after the next one", 0, 1)
			time.Sleep(3 * time.Second)
			l.check(t, "3 s later", 1, 0)
			time.Sleep(54 * time.Second)
			l.check(t, "57 s later", 1, 0)
		}
		time.Sleep(5 * time.Second)
		l.check(t, "62 s later", 0, 0)
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Error("it is open", err)
		}
	})
}

// A head that comes bit by bit is nobody's pause between requests, wherever it begins.
func TestAHeadInPiecesIsNotParked(t *testing.T) {
	for _, sent := range []string{"", request, request + request} {
		for at := 1; at < len(request); at += 7 {
			lodged(t, func(t *testing.T, l *lodging) {
				c := l.dial(t)
				r := bufio.NewReader(c)
				for range strings.Count(sent, request) + 1 {
					defer hear(t, r)
				}
				send(t, c, sent+request[:at])
				time.Sleep(20 * time.Second)
				l.check(t, "within a head", 0, 1)
				send(t, c, request[at:])
			})
		}
	}
}

func TestTheEndClosesWhatIsParked(t *testing.T) {
	lodged(t, func(t *testing.T, l *lodging) {
		fresh, used, closed := l.dial(t), l.dial(t), l.dial(t)
		send(t, used, request)
		hear(t, bufio.NewReader(used))
		time.Sleep(3 * time.Second)
		l.check(t, "idle", 3, 0)
		closed.Close()
		l.check(t, "one has left", 2, 0)
		begun := time.Now()
		l.leave()
		for _, c := range []net.Conn{fresh, used} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Error("it is open", err)
			}
		}
		if took := time.Since(begun); took > 2500*time.Millisecond { // of which 2 are for the helpers
			t.Errorf("that took %v", took)
		}
	})
}

// What speaks another protocol on top would take a parked connection for an end.
func TestOnlyBareConnectionsAreParked(t *testing.T) {
	paced(t, func(t *testing.T, served *patientConn, client net.Conn) {
		served.guest = &guest{Conn: served.Conn, leave: func() {}}
		go func() {
			time.Sleep(20 * time.Second)
			_, _ = client.Write([]byte("next"))
		}()
		if n, err := served.Read(make([]byte, 10)); n != 4 || err != nil {
			t.Error(n, err)
		}
	})
}

// A connection that is parked has its place among its address's.
func TestAParkedConnectionKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under, client := net.Pipe()
		left := 0
		l := newLot(fasthttputil.NewInmemoryListener(), slog.New(slog.DiscardHandler), new(seconds), NewShares(1, 0, nil), nil)
		g := &guest{Conn: under, lot: l, leave: func() { left++ }}
		go g.wait(time.Minute)
		if _, err := client.Write([]byte("G")); err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		Follow(c, fasthttp.StateNew)
		buf := make([]byte, 10)
		if n, err := c.Read(buf); n != 1 || err != nil || buf[0] != 'G' {
			t.Fatal(n, err)
		}
		Follow(c, fasthttp.StateIdle)
		if n, err := c.Read(buf); n != 0 || !errors.Is(err, io.EOF) {
			t.Fatal(n, err)
		}
		_ = c.Close()
		_ = c.Close() // which is not the connection's own
		synctest.Wait()
		if n := l.Parked(); n != 1 || left != 0 {
			t.Errorf("%d parked, %d left", n, left)
		}
		client.Close()
		synctest.Wait()
		if n := l.Parked(); n != 0 || left != 1 {
			t.Errorf("%d parked, %d left", n, left)
		}
		_ = l.Close()
	})
}
