package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/http/request"
)

// tell says in headers what a body of records alone has no place for.
func (r *result) tell(h *fasthttp.ResponseHeader) {
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
}
