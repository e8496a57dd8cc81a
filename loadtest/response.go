package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// errAnswer is returned when an answer is not HTTP/1.1 with a known length, the only kind that is read here.
var errAnswer = errors.New("can't read the answer")

// headLimit is the largest response head, and what is kept of a body for a report.
const headLimit = 16 << 10

// answer is one response. Its body is valid until the next read, and cut at what came with the head.
type answer struct {
	status int
	closes bool // the server ends the connection after it
	body   []byte
}

// reader reads answers of one connection, one at a time: nothing may come after an answer before the next request.
type reader struct{ buf [headLimit]byte }

// read takes one answer from src; interim ones (1xx) are passed over.
func (r *reader) read(src io.Reader) (answer, error) {
	have := 0
	for {
		end, got, err := r.head(src, have)
		if err != nil {
			return answer{}, err
		}
		h, err := parseHead(r.buf[:end])
		if err != nil {
			return answer{}, err
		}
		if h.status/100 != 1 {
			return r.body(src, h, end, got)
		}
		have = copy(r.buf[:], r.buf[end:got])
	}
}

// head reads until a whole head stands in the buffer, which has have bytes already: where it ends and what is there.
func (r *reader) head(src io.Reader, have int) (end, got int, err error) {
	searched := 0
	for {
		if i := bytes.Index(r.buf[searched:have], []byte("\r\n\r\n")); i >= 0 {
			return searched + i + 4, have, nil
		}
		if have == len(r.buf) {
			return 0, 0, fmt.Errorf("%w: its head is over %d bytes", errAnswer, headLimit)
		}
		searched = max(have-3, 0)
		n, err := src.Read(r.buf[have:])
		if n == 0 && err != nil {
			return 0, 0, fmt.Errorf("read: %w", cutShort(err, have))
		}
		have += n
	}
}

// body takes the rest of an answer whose head ends at end, with got bytes in the buffer.
func (r *reader) body(src io.Reader, h head, end, got int) (answer, error) {
	missing := h.length - int64(got-end)
	if missing < 0 {
		return answer{}, fmt.Errorf("%w: %d bytes more than its Content-Length", errAnswer, -missing)
	}
	if room := int64(len(r.buf) - got); missing > 0 && room > 0 {
		n, err := io.ReadFull(src, r.buf[got:got+int(min(missing, room))])
		if err != nil {
			return answer{}, fmt.Errorf("read: %w", cutShort(err, 1))
		}
		got += n
		missing -= int64(n)
	}
	if missing > 0 {
		if _, err := io.CopyN(io.Discard, src, missing); err != nil {
			return answer{}, fmt.Errorf("read: %w", cutShort(err, 1))
		}
	}
	return answer{status: h.status, closes: h.closes, body: r.buf[end:got]}, nil
}

// cutShort tells an end between answers (io.EOF) from one within an answer.
func cutShort(err error, have int) error {
	if have > 0 && errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// head is what of a response head matters here.
type head struct {
	status int
	closes bool
	length int64 // -1 while unknown
}

func parseHead(b []byte) (head, error) {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	h, err := parseStatus(line)
	if err != nil {
		return h, err
	}
	for {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) == 0 {
			return h.finish()
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			return h, fmt.Errorf("%w: header line %q", errAnswer, line)
		}
		if err := h.take(name, bytes.Trim(value, " \t")); err != nil {
			return h, err
		}
	}
}

func parseStatus(line []byte) (head, error) {
	rest, found := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !found || len(rest) < 3 || (len(rest) > 3 && rest[3] != ' ') {
		return head{}, fmt.Errorf("%w: status line %q", errAnswer, line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil || status < 100 {
		return head{}, fmt.Errorf("%w: status line %q", errAnswer, line)
	}
	return head{status: status, length: -1}, nil
}

// take judges one header; what doesn't frame the answer is passed over.
func (h *head) take(name, value []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || (h.length >= 0 && h.length != int64(n)) {
			return fmt.Errorf("%w: Content-Length %q", errAnswer, value)
		}
		h.length = int64(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		return fmt.Errorf("%w: it is %s, not of a known length", errAnswer, value)
	case bytes.EqualFold(name, []byte("Connection")):
		for token := range bytes.SplitSeq(value, []byte(",")) {
			h.closes = h.closes || bytes.EqualFold(bytes.Trim(token, " \t"), []byte("close"))
		}
	}
	return nil
}

// finish settles the length once all headers are known.
func (h head) finish() (head, error) {
	switch {
	case h.status == 101:
		return h, fmt.Errorf("%w: it changes the protocol", errAnswer)
	case h.status/100 == 1 || h.status == 204 || h.status == 304:
		h.length = 0
	case h.length < 0:
		return h, fmt.Errorf("%w: it has no Content-Length", errAnswer)
	}
	return h, nil
}
