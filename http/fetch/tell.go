package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/http/request"
)

// tell says in headers what a body of records alone has no place for.
func (r *result) tell(h *fasthttp.ResponseHeader) {
	tellPlaces(h, r.appendPosition(nil), r.cursors)
	var faults []byte
	for i := range r.cursors {
		c := &r.cursors[i]
		if c.trouble.kind != noTrouble {
			faults = append(c.trouble.appendTo(append(faults, `,{`...), c.partition), '}')
		}
	}
	if faults != nil {
		faults[0] = '['
		h.SetCanonical([]byte("FlashQ-Error"), append(faults, ']'))
	}
}

// tellPlaces says in headers which position goes with the body, and of which partitions it was not all there.
func tellPlaces(h *fasthttp.ResponseHeader, position []byte, cursors []cursor) {
	h.SetCanonical([]byte("FlashQ-Position"), position)
	if gaps := appendMarks(cursors, func(c *cursor) int64 { return c.gap }); gaps != nil {
		h.SetCanonical([]byte("FlashQ-Gap"), gaps)
	}
	if beyond := appendMarks(cursors, (*cursor).beyond); beyond != nil {
		h.SetCanonical([]byte("FlashQ-Beyond"), beyond)
	}
}

// appendMarks writes a list of partitions with a number each; nil where there is none.
func appendMarks(cursors []cursor, of func(c *cursor) int64) (t []byte) {
	for i := range cursors {
		if n := of(&cursors[i]); n > 0 {
			t = request.AppendMark(t, 0, cursors[i].partition, n)
		}
	}
	return t
}
