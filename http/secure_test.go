package http

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flashq/actor"
	"flashq/budget"
	"flashq/e2e/certs"
)

// secured is a server that speaks TLS over real sockets.
type secured struct {
	*testing.T
	s       *Server
	addr    string
	ca      *certs.Authority
	current atomic.Pointer[tls.Certificate]
	log     safeLog
}

type safeLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func secure(t *testing.T, c Config) *secured {
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
	f := &secured{T: t, ca: certs.New(t)}
	f.current.Store(f.ca.Issue(t, "first").TLS(t))
	c.Broker, c.Certificate = b, f.current.Load
	c.Logger = slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.s, f.addr = New(c), ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.s.Serve(ln) }()
	t.Cleanup(func() {
		if err := f.s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *secured) clientConfig() *tls.Config {
	return &tls.Config{RootCAs: f.ca.Pool, ServerName: "localhost"}
}

func (f *secured) dial() *tls.Conn {
	f.Helper()
	c, err := tls.Dial("tcp", f.addr, f.clientConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	return c
}

func (f *secured) tcp() net.Conn {
	f.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		f.Fatal(err)
	}
	return c
}

func (f *secured) ask(c net.Conn, request string) answer {
	f.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		f.Fatal(err)
	}
	return readAnswer(f, bufio.NewReader(c))
}

func posting(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body)
}

const health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestTLSServes(t *testing.T) {
	f := secure(t, Config{})
	c := f.dial()
	value := strings.Repeat("x", 900_000) // many records of TLS
	f.ask(c, posting("/topics/news/records", `{"records":[{"value":"`+value+`"}]}`)).want(t, 200)
	got := f.ask(c, "GET /topics/news/records HTTP/1.1\r\nHost: localhost\r\n\r\n").want(t, 200)
	if !strings.Contains(got.body, value) {
		t.Error("what was stored does not come back")
	}
	// A request's own origin is its host and port: what stands before the broker may speak another scheme.
	from := func(origin string) string {
		return "DELETE /topics/news HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: " + origin + "\r\n\r\n"
	}
	f.ask(f.dial(), from("http://localhost:8081")).wantError(t, 403, "origin_not_allowed")
	f.ask(f.dial(), from("http://localhost:8080")).want(t, 204)
	f.ask(f.dial(), from("https://localhost:8080")).wantError(t, 404, "topic_not_found")
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	f := secure(t, Config{})
	for name, test := range map[string]struct {
		min, max uint16
		protos   []string
		proto    string
		fails    bool
	}{
		"1.0":             {tls.VersionTLS10, tls.VersionTLS10, nil, "", true},
		"1.1":             {tls.VersionTLS10, tls.VersionTLS11, nil, "", true},
		"1.2":             {tls.VersionTLS12, tls.VersionTLS12, nil, "", false},
		"1.3":             {tls.VersionTLS13, tls.VersionTLS13, nil, "", false},
		"a browser's":     {0, 0, []string{"h2", "http/1.1"}, "http/1.1", false},
		"HTTP/2 and none": {0, 0, []string{"h2"}, "", true},
	} {
		config := f.clientConfig()
		config.MinVersion, config.MaxVersion, config.NextProtos = test.min, test.max, test.protos
		c, err := tls.Dial("tcp", f.addr, config)
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if got := c.ConnectionState().NegotiatedProtocol; got != test.proto {
			t.Errorf("%s: protocol %q", name, got)
		}
		f.ask(c, health).want(t, 200)
		c.Close()
	}
}

// A connection shows the certificate of when it began, and goes on when there is another one.
func TestTLSTakesTheCurrentCertificate(t *testing.T) {
	f := secure(t, Config{})
	shown := func(c *tls.Conn) string { return c.ConnectionState().PeerCertificates[0].Subject.CommonName }
	before := f.dial()
	f.ask(before, health).want(t, 200)
	f.current.Store(f.ca.Issue(t, "second").TLS(t))
	if after := f.dial(); shown(before) != "first" || shown(after) != "second" {
		t.Errorf("%s, then %s", shown(before), shown(after))
	}
	f.ask(before, health).want(t, 200)
}

func TestPlainHTTPOnATLSPort(t *testing.T) {
	f := secure(t, Config{})
	for _, request := range []string{health, posting("/topics/news/records", `{"records":[{"value":"x"}]}`),
		"PUT /topics/news HTTP/1.1\r\n\r\n", "DELETE /topics/news HTTP/1.1\r\n\r\n",
		posting("/topics/news/records", strings.Repeat("x", 40_000))} {
		got := f.ask(f.tcp(), request)
		got.wantError(t, 400, "invalid_request")
		if !got.closes || !strings.Contains(got.body, "https://") {
			t.Error(got)
		}
	}
	// What is neither one nor the other is not answered in words.
	c := f.tcp()
	if _, err := io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n"); err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(c); bytes.Contains(said, []byte("HTTP")) {
		t.Errorf("answered %q", said)
	}
	for _, line := range strings.Split(strings.TrimSpace(f.log.String()), "\n") {
		if !strings.Contains(line, "level=DEBUG") {
			t.Error("handshakes that fail are logged:", line)
		}
	}
	if n := strings.Count(f.log.String(), "\n"); n != 6 || strings.Count(f.log.String(), "TLS handshake failed") != 6 {
		t.Error("a handshake that fails is one line:", f.log.String())
	}
}

// Who dawdles in the handshake holds up nobody, and not the end either.
func TestAHandshakeThatDawdles(t *testing.T) {
	f := secure(t, Config{})
	for range 200 {
		c := f.tcp()
		if _, err := c.Write([]byte{22, 3, 1}); err != nil { // the beginning of a hello
			t.Fatal(err)
		}
	}
	f.ask(f.dial(), health).want(t, 200)
	begun := time.Now()
	if err := f.s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > handshakeSoon {
		t.Errorf("the end took %v", took)
	}
}

func TestAHandshakeIsBounded(t *testing.T) {
	f := secure(t, Config{})
	c := f.tcp()
	first := append([]byte{22, 3, 1, 64, 0, 1, 0, 255, 255}, make([]byte, 16<<10-4)...) // of a hello of 64 KiB
	hello := append(append(first, 22, 3, 1, 64, 0), make([]byte, 4<<10)...)
	if _, err := c.Write(hello); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, _ = io.Copy(io.Discard, c) // an alert, and the end, by a reset or not
	if took := time.Since(begun); took > handshakeSoon {
		t.Errorf("a hello of 20 KiB was read for %v", took)
	}
}

// handshakeSoon is well before the handshake's own end.
const handshakeSoon = 5 * time.Second

func TestATLSPeerThatIsGoneEndsTheWait(t *testing.T) {
	f := secure(t, Config{})
	f.ask(f.dial(), posting("/topics/news/records", `{"records":[{"value":"x"}]}`)).want(t, 200)
	const get = "GET /topics/news/records?from_offset=latest&timeout_ms=60000%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
	for name, test := range map[string]struct {
		query, header string
		of            *budget.Budget
		leave         func(c *tls.Conn) error
	}{
		"a fetch, closed":  {"", "", f.s.bounds.waiters, (*tls.Conn).Close},
		"a fetch, cut off": {"", "", f.s.bounds.waiters, func(c *tls.Conn) error { return c.NetConn().Close() }},
		"a stream, closed": {"", "Accept: text/event-stream\r\n", f.s.bounds.streams, (*tls.Conn).Close},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.dial()
			if _, err := fmt.Fprintf(c, get, test.query, test.header); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it waits", func() bool { return test.of.Used() == 1 })
			begun := time.Now()
			if err := test.leave(c); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it ends", func() bool { return test.of.Used() == 0 })
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("noticed after %v", took)
			}
		})
	}
}

func TestATLSStream(t *testing.T) {
	f := secure(t, Config{})
	f.ask(f.dial(), posting("/topics/news/records", `{"records":[{"value":"one"}]}`)).want(t, 200)
	c := f.dial()
	if _, err := io.WriteString(c, "GET /topics/news/records?from_offset=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	next := func(value string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data:") && strings.Contains(lines.Text(), value) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", value, lines.Err())
	}
	next("one")
	f.ask(f.dial(), posting("/topics/news/records", `{"records":[{"value":"two"}]}`)).want(t, 200)
	next("two")
	f.s.Drain()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil { // its last chunk, and then the farewell
		t.Error(err)
	}
}

// A body that is refused is read on before the answer, as over TCP; and the end of a connection is said.
func TestTLSRefusesALargeBody(t *testing.T) {
	f := secure(t, Config{MaxBodyBytes: 1 << 20})
	c := f.dial()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, posting("/topics/news/records", strings.Repeat("x", 2<<20)))
		sent <- err
	}()
	r := bufio.NewReader(c)
	readAnswer(t, r).wantError(t, 413, "body_too_large")
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(c, strings.Replace(health, "\r\n", "\r\nConnection: close\r\n", 1)); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, r).want(t, 200)
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection ends with %v", err)
	}
}

// A reader that takes nothing for a while gets all of a large answer: what is written goes on where it stopped, which
// a deadline above the encryption would not allow.
func TestASlowTLSReaderGetsItsAnswer(t *testing.T) {
	t.Parallel()
	f := secure(t, Config{})
	value := strings.Repeat("x", 1_000_000)
	c := f.dial()
	for range 12 {
		f.ask(c, posting("/topics/news/records", `{"records":[{"value":"`+value+`"}]}`)).want(t, 200)
	}
	if _, err := io.WriteString(c, "GET /topics/news/records?max_bytes=16000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second) // longer than the first deadline of a write
	got := readAnswer(t, bufio.NewReader(c)).want(t, 200)
	if n := strings.Count(got.body, value); n != 12 {
		t.Errorf("%d of 12 values", n)
	}
}
