package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/http/request"
	"flashq/slab"
)

// lines is an answer as NDJSON: records and nothing else.
type lines struct{ text }

func (l *lines) add(r *found) {
	l.grow(r)
	l.write(r)
	l.slab = append(slab.Grow(l.slab, 1), '\n')
}

// finish says in headers what the lines have no place for.
func (l *lines) finish(h *fasthttp.ResponseHeader, r *result) []byte {
	h.SetCanonical([]byte("FlashQ-Position"), r.appendPosition(nil))
	var gaps, beyond, faults []byte
	for i := range r.cursors {
		c := &r.cursors[i]
		if c.gap > 0 {
			gaps = request.AppendMark(gaps, 0, c.partition, c.gap)
		}
		if n := c.beyond(); n > 0 {
			beyond = request.AppendMark(beyond, 0, c.partition, n)
		}
		if c.trouble.kind != noTrouble {
			faults = append(c.trouble.appendTo(append(faults, `,{`...), c.partition), '}')
		}
	}
	if gaps != nil {
		h.SetCanonical([]byte("FlashQ-Gap"), gaps)
	}
	if beyond != nil {
		h.SetCanonical([]byte("FlashQ-Beyond"), beyond)
	}
	if faults != nil {
		faults[0] = '['
		h.SetCanonical([]byte("FlashQ-Error"), append(faults, ']'))
	}
	body := l.slab
	l.slab = nil
	return body
}
