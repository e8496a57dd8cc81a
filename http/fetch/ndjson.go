package fetch

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/http/request"
	"flashq/segment/slab"
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
	var gaps, faults []byte
	for i := range r.cursors {
		c := &r.cursors[i]
		if c.gap > 0 {
			gaps = request.AppendMark(gaps, 0, c.partition, c.gap)
		}
		if c.damaged {
			if faults = append(faults, ','); len(faults) == 1 {
				faults[0] = '['
			}
			faults = append(faults, `{"error":"corrupt_data","partition":`...)
			faults = strconv.AppendInt(faults, int64(c.partition), 10)
			faults = c.appendDamage(faults)
		}
	}
	if gaps != nil {
		h.SetCanonical([]byte("FlashQ-Gap"), gaps)
	}
	if faults != nil {
		h.SetCanonical([]byte("FlashQ-Error"), append(faults, ']'))
	}
	body := l.slab
	l.slab = nil
	return body
}
