package http

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"testing"

	"flashq/actor"
)

func TestHosts(t *testing.T) {
	g := newGuard([]string{"Queue.example", "other.example:8080"}, nil)
	for _, host := range []string{
		"localhost", "localhost:1", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:80",
		"queue.example", "queue.example:99", "QUEUE.EXAMPLE", "other.example:8080",
	} {
		if !g.hostAllowed([]byte(host)) {
			t.Errorf("%q was refused", host)
		}
	}
	for _, host := range []string{
		"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::]", "10.0.0.1", "1localhost",
		"other.example", "queue.example.evil", "[::1", "localhost@evil.example",
	} {
		if g.hostAllowed([]byte(host)) {
			t.Errorf("%q passed", host)
		}
	}
}

// A page whose name was rebound to 127.0.0.1 sends its own name as Host.
func TestRebindingGuardOnLoopbackOnly(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Broker: engine})
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	ask := func(target, host string) answer {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host)
		return readAnswer(t, bufio.NewReader(c))
	}
	ask("/health", ln.Addr().String()).want(t, 200)
	ask("/health", "evil.example").wantError(t, 403, "forbidden")
	ask("http://evil.example/health", "localhost").wantError(t, 403, "forbidden")
	ask("http://localhost/health", "evil.example").wantError(t, 403, "forbidden")
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	start(t, Config{}).get("/health").want(t, 200) // no loopback bind, Host flashq
}

func TestOriginGuard(t *testing.T) {
	f := start(t, Config{})
	for _, test := range []struct {
		status        int
		origin, fetch string
	}{
		{200, "", ""},
		{200, "http://flashq", ""},
		{200, "http://FLASHQ:80", "same-origin"},
		{200, "https://flashq", ""}, // what speaks TLS stands before the broker
		{200, "https://flashq:443", "same-origin"},
		{200, "https://flashq:80", ""},
		{200, "", "none"},
		{403, "http://evil.example", ""},
		{403, "http://flashq:8080", ""},
		{403, "https://flashq:8080", ""},
		{403, "http://flashq.evil.example", ""},
		{403, "https://evil.example", ""},
		{403, "http://", ""},
		{403, "flashq", ""},
		{403, "ftp://flashq", ""},
		{403, "chrome-extension://flashq", ""},
		{403, "null", ""},
		{403, "http://flashq", "cross-site"},
		{403, "", "cross-site"},
		{403, "", "same-site"},
	} {
		headers := []string{"Content-Type", "application/json"}
		if test.origin != "" {
			headers = append(headers, "Origin", test.origin)
		}
		if test.fetch != "" {
			headers = append(headers, "Sec-Fetch-Site", test.fetch)
		}
		a := f.do("POST", "/topics/news/records", oneRecord, headers...).want(t, test.status)
		if test.status == 403 {
			a.wantError(t, 403, "origin_not_allowed")
		}
	}
	f.do("PUT", "/topics/x", "", "Origin", "http://evil.example").wantError(t, 403, "origin_not_allowed")
	f.do("DELETE", "/topics/news", "", "Origin", "null").wantError(t, 403, "origin_not_allowed")
	f.get("/topics/news/records", "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site").want(t, 200)
}

func TestOwnOrigins(t *testing.T) {
	for _, test := range []struct {
		host, origin string
		own          bool
	}{
		{"127.0.0.1:22110", "http://127.0.0.1:22110", true},
		{"127.0.0.1:22110", "https://127.0.0.1:22110", true},
		{"127.0.0.1:22110", "https://127.0.0.1", false},
		{"127.0.0.1:22110", "https://127.0.0.1:22111", false},
		{"Queue.example", "https://queue.EXAMPLE", true},
		{"queue.example", "http://queue.example", true},
		{"queue.example:443", "https://queue.example", true},
		{"queue.example:443", "http://queue.example", false},
		{"queue.example:80", "http://queue.example", true},
		{"queue.example:80", "https://queue.example", false},
		{"queue.example:80", "https://queue.example:80", true},
		{"queue.example", "https://queue.example:8443", false},
		{"queue.example", "https://queue.example.evil", false},
		{"[::1]:80", "http://[::1]", true},
		{"[::1]", "https://[::1]", true},
		{"[::1]:81", "https://[::1]", false},
		{"null", "null", false},
		{"", "null", false},
		{"", "", false},
		{"", "http://", false},
		{"", "https://:443", false},
	} {
		if got := isOwnOrigin(test.origin, test.host); got != test.own {
			t.Errorf("%s of %s: %v", test.origin, test.host, got)
		}
	}
}
