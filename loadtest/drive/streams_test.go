package drive

import (
	"errors"
	"strings"
	"testing"
)

func TestStreamsAreReadHoweverTheyCome(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name, in, body string
		want           error
	}{
		{"to the end of the connection", ok + "\r\ndata: a\n\n", "data: a\n\n", nil},
		{"in chunks", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n4\r\n a\n\n\r\n", "data: a\n\n", nil},
		{"in chunks with line ends", ok + "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n1\r\nx\r\n", "\r\n\r\nx", nil},
		{"a large chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1F4\r\n" + strings.Repeat("x", 500) + "\r\n", strings.Repeat("x", 500), nil},
		{"the last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", errStreamEnded},
		{"no length", ok + "Transfer-Encoding: chunked\r\n\r\nfive\r\ndata:\r\n", "", ErrAnswer},
		{"an endless length", ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 100), "", ErrAnswer},
		{"another coding", ok + "Transfer-Encoding: gzip\r\n\r\n", "", ErrAnswer},
		{"refused", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "", ErrAnswer},
		{"an endless head", ok + strings.Repeat("x: y\r\n", headLimit), "", ErrAnswer},
	} {
		for _, piece := range []int{1, 3, len(c.in)} {
			s, body := stream{}, ""
			var err error
			for in := c.in; len(in) > 0 && err == nil; in = in[min(piece, len(in)):] {
				err = s.feed([]byte(in[:min(piece, len(in))]), func(b []byte) { body += string(b) })
			}
			if !errors.Is(err, c.want) || body != c.body {
				t.Errorf("%s, in pieces of %d: %q, %v; not %q, %v", c.name, piece, body, err, c.body, c.want)
			}
		}
	}
}
