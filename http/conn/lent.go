package conn

import (
	"io"
	"sync"

	"github.com/valyala/fasthttp"

	"flashq/budget"
	"flashq/slab"
)

// copyBelow is the size up to which a body is copied into fasthttp's own buffer, which a connection keeps.
const copyBelow = 4 << 10

// lentText is an answer's body in a slab that goes back when it is sent, or can't be. A body stream is fasthttp's only
// body with a way to tell that; it is written at once, not through a pipe.
type lentText struct {
	before []Borrowed
	text   []byte
	rest   [][]byte // what is left of all
	hold   budget.Lease
	conn   *patientConn // over which it goes; may be nil
}

// Borrowed is a piece of an answer that belongs to somebody else, who gets it back by Release, called once.
type Borrowed struct {
	Bytes   []byte
	Release func()
}

var lentTexts = sync.Pool{New: func() any { return new(lentText) }}

// Lend makes a slab the answer's body, and takes over what hold holds for it.
func Lend(ctx *fasthttp.RequestCtx, text []byte, hold *budget.Lease) {
	if len(text) <= copyBelow {
		ctx.Response.SetBody(text)
		slab.Put(text)
		hold.End()
		return
	}
	LendAfter(ctx, nil, text, hold)
}

// LendAfter makes what is borrowed and then a slab the answer's body.
func LendAfter(ctx *fasthttp.RequestCtx, before []Borrowed, text []byte, hold *budget.Lease) {
	l := lentTexts.Get().(*lentText)
	size := len(text)
	for _, b := range before {
		l.rest = append(l.rest, b.Bytes)
		size += len(b.Bytes)
	}
	l.before, l.text, l.rest, l.hold = before, text, append(l.rest, text), hold.Move()
	if c := patientOf(ctx.Conn()); c != nil {
		l.conn, c.answers = c, hold.From()
	}
	ctx.Response.SetBodyStream(l, size)
}

// WriteTo writes all that is left.
func (l *lentText) WriteTo(w io.Writer) (written int64, err error) {
	for len(l.rest) > 0 && err == nil {
		n := 0
		n, err = w.Write(l.rest[0])
		written += int64(n)
		l.advance(n)
	}
	return written, err
}

// advance moves past n bytes of the first piece that is left, and what is empty then.
func (l *lentText) advance(n int) {
	l.rest[0] = l.rest[0][n:]
	for len(l.rest) > 0 && len(l.rest[0]) == 0 {
		l.rest = l.rest[1:]
	}
}

// Read is there because a body stream is an io.Reader; fasthttp uses WriteTo.
func (l *lentText) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.rest[0])
	l.advance(n)
	return n, nil
}

// Close gives the slab back. fasthttp calls it once, whether or not the answer was sent.
func (l *lentText) Close() error {
	slab.Put(l.text)
	for _, b := range l.before {
		b.Release()
	}
	l.hold.End()
	if l.conn != nil {
		l.conn.answers = nil
	}
	*l = lentText{}
	lentTexts.Put(l)
	return nil
}
