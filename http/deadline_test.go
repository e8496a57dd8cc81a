package http

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"flashq/http/conn"
)

// crowdedListener has no descriptor for the first few connections.
type crowdedListener struct {
	net.Listener

	refused int
}

func (l *crowdedListener) Accept() (net.Conn, error) {
	if l.refused > 0 {
		l.refused--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A flood of connections that takes the last descriptor must not be the end of the broker.
func TestAcceptingGoesOnWhenDescriptorsRunOut(t *testing.T) {
	ln := fasthttputil.NewInmemoryListener()
	dialled := make(chan error, 1)
	go func() {
		c, err := ln.Dial()
		if err == nil {
			_, err = c.Write([]byte("G"))
		}
		if err == nil {
			err = c.Close()
		}
		dialled <- err
	}()
	l, stop := conn.Listen(&crowdedListener{Listener: ln, refused: 2}, slog.New(slog.DiscardHandler),
		conn.NewShares(1, 0, nil), nil)
	defer stop()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-dialled; err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}

// paced sends a request in pieces, each a while after the one before, over a connection that has been used, and gives
// the first line of the answer.
func paced(t *testing.T, ln *fasthttputil.InmemoryListener, pieces ...piece) string {
	t.Helper()
	c, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for _, p := range append([]piece{{0, "GET /health HTTP/1.1\r\nHost: flashq\r\n\r\n"}}, pieces...) {
		time.Sleep(p.after)
		if _, err := io.WriteString(c, p.text); err != nil {
			break // the answer says why
		}
		if strings.HasPrefix(p.text, "GET /health") {
			if res, err := nethttp.ReadResponse(r, nil); err != nil || res.StatusCode != 200 {
				t.Fatal(res, err)
			} else if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

type piece struct {
	after time.Duration
	text  string
}

// A head has a minute from its first byte; a body that has begun has to keep its pace (package conn).
func TestARequestHasAMinuteFromItsFirstByte(t *testing.T) {
	const second = time.Second
	head, tail := "GET /ready HTTP/1.1\r\n", "Host: flashq\r\n\r\n"
	body := post(fmt.Sprintf("Content-Length: %d\r\n", len(oneRecord)))
	unread := fmt.Sprintf("GET /health HTTP/1.1\r\nHost: flashq\r\nContent-Length: %d\r\n\r\n%[1]*d", 2*maxHeadBytes, 0)
	const ok, late = "HTTP/1.1 200 OK", "HTTP/1.1 408 Request Timeout"
	for name, row := range map[string]struct {
		pieces []piece
		want   string
	}{
		"after a pause":          {[]piece{{58 * second, head + tail}}, ok},
		"slow after a pause":     {[]piece{{58 * second, head}, {58 * second, tail}}, ok},
		"slow body after that":   {[]piece{{58 * second, body}, {58 * second, oneRecord}}, ok},
		"slow after such a body": {[]piece{{second, unread}, {58 * second, head}, {58 * second, tail}}, ok},
		"after too long":         {[]piece{{61 * second, head + tail}}, "EOF"},
		"too slow":               {[]piece{{second, head}, {61 * second, tail}}, late},
		"too slow a body":        {[]piece{{second, body}, {61 * second, oneRecord}}, late},
		"a pause in a body":      {[]piece{{second, body + oneRecord[:9]}, {9 * second, oneRecord[9:]}}, ok},
		"too long a pause":       {[]piece{{second, body + oneRecord[:9]}, {13 * second, oneRecord[9:]}}, late},
		"too slow, byte by byte": {[]piece{{second, head}, {50 * second, "A: b\r\n"}, {11 * second, tail}}, late},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := start(t, Config{})
				if got := paced(t, f.ln, row.pieces...); got != row.want {
					t.Errorf("%q, want %q", got, row.want)
				}
			})
		})
	}
}
