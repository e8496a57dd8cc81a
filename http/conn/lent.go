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
	text []byte
	rest []byte
	hold budget.Lease
	conn *patientConn // over which it goes; may be nil
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
	l := lentTexts.Get().(*lentText)
	l.text, l.rest, l.hold = text, text, hold.Move()
	if c := patientOf(ctx.Conn()); c != nil {
		l.conn, c.answers = c, hold.From()
	}
	ctx.Response.SetBodyStream(l, len(text))
}

// WriteTo writes all that is left.
func (l *lentText) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(l.rest)
	l.rest = l.rest[n:]
	return int64(n), err
}

// Read is there because a body stream is an io.Reader; fasthttp uses WriteTo.
func (l *lentText) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Close gives the slab back. fasthttp calls it once, whether or not the answer was sent.
func (l *lentText) Close() error {
	slab.Put(l.text)
	l.hold.End()
	if l.conn != nil {
		l.conn.answers = nil
	}
	*l = lentText{}
	lentTexts.Put(l)
	return nil
}
