package drive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrAnswer is returned when an answer is not HTTP/1.1 with a known length, the only kind that is read here.
var ErrAnswer = errors.New("can't read the answer")

const (
	headLimit = 16 << 10 // the largest response head
	bodyKept  = 4 << 10  // what is kept of a body that nobody reads, for a report
)

// Answer is one response. Its bytes are valid until the next one is fed.
type Answer struct {
	status int
	closes bool  // the server ends the connection after it
	length int64 // of the body
	head   []byte
	Body   []byte // its beginning, unless the reader keeps bodies
}

// Status is the answer's status code.
func (a *Answer) Status() int { return a.status }

// Length is that of the whole body.
func (a *Answer) Length() int64 { return a.length }

// Header is the value of a response header, "" where there is none. It is for rare ones: it searches.
func (a *Answer) Header(name string) string {
	for line := range bytes.SplitSeq(a.head, []byte("\r\n")) {
		if key, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(key, []byte(name)) {
			return string(bytes.Trim(value, " \t"))
		}
	}
	return ""
}

// Sink sees the body of each answer with a status of 2xx as it comes, so that nobody needs to keep it. It belongs to
// one connection.
type Sink interface {
	// Take gets the next piece, which is valid for this call alone.
	Take(piece []byte)
}

// reader puts answers of one connection together from what arrives, one at a time: nothing may come after an answer
// before the next request. The zero value is ready.
type reader struct {
	keeps   bool // whole bodies
	sink    Sink // nil: nobody looks
	started bool // a byte of an answer has come
	inBody  bool
	head    []byte // of an answer whose head came in pieces, or is followed by a body in pieces
	body    []byte
	missing int64 // of the body
	answer  Answer
}

// feed takes the next bytes; done says that the answer is whole. Interim ones (1xx) are passed over.
func (r *reader) feed(b []byte) (done bool, err error) {
	r.started = true
	for !r.inBody {
		if b, err = r.takeHead(b); err != nil || b == nil {
			return false, err
		}
	}
	if int64(len(b)) > r.missing {
		return false, fmt.Errorf("%w: %d bytes more than its Content-Length", ErrAnswer, int64(len(b))-r.missing)
	}
	r.missing -= int64(len(b))
	if r.sink != nil && r.answer.status/100 == 2 {
		r.sink.Take(b)
	}
	switch whole := r.missing == 0; {
	case whole && len(r.body) == 0:
		r.answer.Body = b // as nearly always: no copy
	case r.keeps:
		r.body = append(r.body, b...)
		r.answer.Body = r.body
	default:
		r.body = append(r.body, b[:max(0, min(len(b), bodyKept-len(r.body)))]...)
		r.answer.Body = r.body
	}
	return r.missing == 0, nil
}

// takeHead takes a head out of b: what follows it, or nil where more must come.
func (r *reader) takeHead(b []byte) (rest []byte, err error) {
	if len(r.head) > 0 {
		r.head = append(r.head, b...)
		b = r.head
	}
	end := bytes.Index(b, []byte("\r\n\r\n")) + 4
	if end < 4 {
		if len(b) > headLimit {
			return nil, fmt.Errorf("%w: its head is over %d bytes", ErrAnswer, headLimit)
		}
		if len(r.head) == 0 {
			r.head = append(r.head, b...)
		}
		return nil, nil
	}
	h, err := parseHead(b[:end], false)
	if err != nil {
		return nil, err
	}
	rest = b[end:]
	if h.status/100 == 1 {
		rest = bytes.Clone(rest)
		r.head = r.head[:0]
		if len(rest) == 0 {
			return nil, nil
		}
		return rest, nil
	}
	r.inBody, r.missing = true, h.length
	r.answer = Answer{status: h.status, closes: h.closes, length: h.length, head: b[:end]}
	if int64(len(rest)) < h.length && len(r.head) == 0 { // b is reused before the body ends
		r.head = append(r.head, b[:end]...)
		r.answer.head = r.head
	}
	return rest, nil
}

// reset makes ready for the next answer; the last one's bytes are not valid any more.
func (r *reader) reset() {
	r.started, r.inBody, r.head, r.body = false, false, r.head[:0], r.body[:0]
}

// ended is the error of a connection that ended here: between answers, or within one.
func (r *reader) ended() error {
	if r.started {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// head is what of a response head matters here.
type head struct {
	status  int
	closes  bool
	length  int64 // -1 while unknown
	endless bool  // the body may be chunked, or end with the connection
	chunked bool
}

// parseHead reads a whole head; an endless one is that of a stream.
func parseHead(b []byte, endless bool) (head, error) {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	h, err := parseStatus(line)
	h.endless = endless
	if err != nil {
		return h, err
	}
	for {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) == 0 {
			return h.finish()
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || bytes.ContainsAny(line[:colon], " \t") {
			return h, fmt.Errorf("%w: header line %q", ErrAnswer, line)
		}
		switch colon { // only lengths of names that frame an answer are looked at
		case len("Content-Length"), len("Transfer-Encoding"), len("Connection"):
			if err := h.take(line[:colon], bytes.Trim(line[colon+1:], " \t")); err != nil {
				return h, err
			}
		}
	}
}

func parseStatus(line []byte) (head, error) {
	rest, found := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !found || len(rest) < 3 || (len(rest) > 3 && rest[3] != ' ') {
		return head{}, fmt.Errorf("%w: status line %q", ErrAnswer, line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil || status < 100 {
		return head{}, fmt.Errorf("%w: status line %q", ErrAnswer, line)
	}
	return head{status: status, length: -1}, nil
}

// take judges one header; what doesn't frame the answer is passed over.
func (h *head) take(name, value []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || (h.length >= 0 && h.length != int64(n)) {
			return fmt.Errorf("%w: Content-Length %q", ErrAnswer, value)
		}
		h.length = int64(n)
	case h.endless && bytes.EqualFold(name, []byte("Transfer-Encoding")) && bytes.EqualFold(value, []byte("chunked")):
		h.chunked = true
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		return fmt.Errorf("%w: it is %s, not of a known length", ErrAnswer, value)
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
		return h, fmt.Errorf("%w: it changes the protocol", ErrAnswer)
	case h.status/100 == 1 || h.status == 204 || h.status == 304:
		h.length = 0
	case h.length < 0 && !h.endless:
		return h, fmt.Errorf("%w: it has no Content-Length", ErrAnswer)
	}
	return h, nil
}
