package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashq/actor"
	"flashq/http"
)

// serveAt runs a real server over a real engine and gives its URL.
func serveAt(t *testing.T, c http.Config) string {
	t.Helper()
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Broker = engine
	address, end := serveOn(t, "127.0.0.1:0", c)
	t.Cleanup(end)
	return "http://" + address
}

// serveOn runs a server until end is called.
func serveOn(t *testing.T, listen string, c http.Config) (address string, end func()) {
	t.Helper()
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	server := http.New(c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	if got := status(t, "http://"+ln.Addr().String()+"/ready"); got != 200 { // it serves, so that Shutdown can end it
		t.Fatal(got)
	}
	return ln.Addr().String(), func() {
		if err := errors.Join(server.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	res, err := nethttp.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// flashq runs a whole command line.
func flashq(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// A file that fits no single request.
func TestABigFileIsStoredInSeveralRequests(t *testing.T) {
	url := serveAt(t, http.Config{})
	file := filepath.Join(t.TempDir(), "big.ndjson")
	const lines = 40_000
	var text bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&text, "{\"value\":\"%d %s\"}\n", i, strings.Repeat("x", 500))
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := flashq("producer", "records", "big", "--batch", file, "--server", url)
	if code != exitOK || !strings.Contains(stdout, "│         0 │  40,000 │            0 │       39999 │") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	code, stdout, stderr = flashq("producer", "records", "big", "--batch", file, "--server", url, "-o", "json")
	if code != exitOK || strings.Count(stdout, "\n") != 2 || text.Len() < maxBody {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	code, stdout, stderr = flashq("producer", "records", "big", "--batch", file, "--server", url, "-o", "ndjson")
	if code != exitOK || strings.Count(stdout, "\n") != lines {
		t.Errorf("exit %d: %d lines, %s", code, strings.Count(stdout, "\n"), stderr)
	}
}

// What a terminal would obey, or a reader mistake for something else, is quoted.
func TestCellsKeepATerminalSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": `""`, "null": `"null"`, "-": `"-"`, "pad\t": `"pad\t"`, "a\nb": `"a\nb"`, "\x1b[31m": `"\x1b[31m"`,
		"é😀": "é😀", "\xff": "(1 B, not text)", "\u202e": `"\u202e"`, strings.Repeat("é", 61): strings.Repeat("é", 59) + "…",
	} {
		if got := cell([]byte(in)); got != want {
			t.Errorf("%q is shown as %s instead of %s", in, got, want)
		}
	}
	if got := cell(nil); got != "null" {
		t.Error(got)
	}
}
