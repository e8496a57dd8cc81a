package http

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"flashq/auth"
)

// maxRequestID is how much of a client's X-Request-Id is echoed.
const maxRequestID = 128

var headerRequestID = []byte("FlashQ-Request-Id")

// requestIDs names requests cheaply: a prefix that is new at each start, and a count.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var p [4]byte
	_, _ = rand.Read(p[:]) // never fails
	return &requestIDs{prefix: hex.EncodeToString(p[:]) + "-"}
}

// put sets FlashQ-Request-Id: the client's own, id, if it is fit to print and no token that was put
// there by mistake, else a new one.
func (r *requestIDs) put(ctx *fasthttp.RequestCtx, id []byte) {
	if !printable(id, maxRequestID) || auth.MayHold(id) {
		var room [32]byte
		id = append(room[:0], r.prefix...)
		id = strconv.AppendUint(id, r.last.Add(1), 36)
	}
	ctx.Response.Header.SetCanonical(headerRequestID, id)
}

// printable tells whether p is 1 to limit printable ASCII characters.
func printable(p []byte, limit int) bool {
	if len(p) == 0 || len(p) > limit {
		return false
	}
	for _, c := range p {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
