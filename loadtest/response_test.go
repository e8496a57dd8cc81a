package loadtest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReaderTakesOddButValidAnswers(t *testing.T) {
	long := strings.Repeat("x", 3*headLimit)
	for _, c := range []struct {
		name, in string
		status   int
		closes   bool
		body     string
	}{
		{"plain", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, false, "hi"},
		{"lower case name", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 200, false, "hi"},
		{"no space, or many", "HTTP/1.1 200 OK\r\nX:\r\nContent-Length:\t 2 \t\r\n\r\nhi", 200, false, "hi"},
		{"no reason", "HTTP/1.1 429 \r\nContent-Length: 0\r\n\r\n", 429, false, ""},
		{"no reason and no space", "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, false, ""},
		{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200, false, "hi"},
		{"no body by its status", "HTTP/1.1 204 No Content\r\nServer: s\r\n\r\n", 204, false, ""},
		{"closes", "HTTP/1.1 200 OK\r\nConnection: x , Close\r\nContent-Length: 2\r\n\r\nhi", 200, true, "hi"},
		{"interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, false, "hi"},
		{"a body that looks like a head", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n", 200, false, "\r\n\r\n"},
	} {
		var whole, bitwise reader
		for how, a := range map[string]func() (answer, error){
			"whole": func() (answer, error) { return whole.read(strings.NewReader(c.in)) },
			"bytes": func() (answer, error) { return bitwise.read(iotest.OneByteReader(strings.NewReader(c.in))) },
		} {
			got, err := a()
			if err != nil || got.status != c.status || got.closes != c.closes || string(got.body) != c.body {
				t.Errorf("%s, %s: got %d %v %q, %v", c.name, how, got.status, got.closes, got.body, err)
			}
		}
	}

	// Longer than the buffer: read to the end, so that the next answer on the connection is found.
	src := strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 49152\r\n\r\n" + long)
	var r reader
	if a, err := r.read(src); err != nil || !strings.HasPrefix(long, string(a.body)) || src.Len() != 0 {
		t.Errorf("long body: %v, %d bytes left", err, src.Len())
	}
}

func TestReaderRefusesWhatItCannotFrame(t *testing.T) {
	for name, in := range map[string]string{
		"chunked":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"no length":        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi",
		"two lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
		"signed length":    "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
		"older HTTP":       "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"no HTTP":          "SSH-2.0-x\r\n\r\n",
		"long status":      "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"folded header":    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
		"space in a name":  "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
		"another protocol": "HTTP/1.1 101 Switching\r\n\r\n",
		"too much":         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi",
		"endless head":     "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", headLimit),
	} {
		var r reader
		if a, err := r.read(strings.NewReader(in)); !errors.Is(err, errAnswer) {
			t.Errorf("%s: got %d %q, %v", name, a.status, a.body, err)
		}
	}
}

func TestReaderTellsAnEndBetweenAnswersFromOneWithin(t *testing.T) {
	whole := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for cut := range len(whole) {
		want := io.ErrUnexpectedEOF
		if cut == 0 {
			want = io.EOF
		}
		var r reader
		if _, err := r.read(strings.NewReader(whole[:cut])); !errors.Is(err, want) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}
