package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/slab"
)

// lines is an answer as NDJSON: records and nothing else.
type lines struct{ text }

func (l *lines) add(r *found) {
	l.grow(r)
	l.write(r)
	l.slab = append(slab.Grow(l.slab, 1), '\n')
}

func (l *lines) finish(h *fasthttp.ResponseHeader, r *result) []byte {
	r.tell(h)
	body := l.slab
	l.slab = nil
	return body
}
