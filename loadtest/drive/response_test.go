package drive

import (
	"errors"
	"io"
	"strings"
	"testing"
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
		for how, pieces := range map[string]int{"whole": len(c.in), "bytes": 1, "sevens": 7} {
			got, err := feed(&reader{}, c.in, pieces)
			if err != nil || got.status != c.status || got.closes != c.closes || string(got.Body) != c.body {
				t.Errorf("%s, %s: got %d %v %q, %v", c.name, how, got.status, got.closes, got.Body, err)
			}
		}
	}

	// A body that nobody reads is cut, one that somebody reads is not; both are awaited to the end.
	in := "HTTP/1.1 200 OK\r\nContent-Length: 49152\r\nX-A: b\r\n\r\n" + long
	for _, keeps := range []bool{false, true} {
		r := reader{keeps: keeps}
		for range 2 { // the next answer begins anew
			a, err := feed(&r, in, 1000)
			if err != nil || a.length != 49152 || !strings.HasPrefix(long, string(a.Body)) || a.Header("x-a") != "b" {
				t.Errorf("long body: %v, %d bytes, X-A %q", err, a.length, a.Header("x-a"))
			}
			if keeps != (len(a.Body) == len(long)) {
				t.Errorf("keeps %v: %d bytes", keeps, len(a.Body))
			}
			r.reset()
		}
	}
}

// feed gives an answer to a reader in pieces, from a buffer that is reused as a connection's is.
func feed(r *reader, in string, piece int) (Answer, error) {
	buf := make([]byte, piece)
	for {
		n := copy(buf, in)
		in = in[n:]
		if n == 0 {
			return Answer{}, r.ended()
		}
		done, err := r.feed(buf[:n])
		if err != nil || done {
			return r.answer, err
		}
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
		if a, err := feed(&reader{}, in, len(in)); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: got %d %q, %v", name, a.status, a.Body, err)
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
		if _, err := feed(&reader{}, whole[:cut], len(whole)); !errors.Is(err, want) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}
