package fetch

import (
	"github.com/valyala/fasthttp"

	"flashq/http/request"
	"flashq/slab"
)

// compressAbove is the size in bytes from which an answer is worth compressing.
const compressAbove = 1 << 10

// compress puts text, a slab, into the coding that the client likes best, if that makes it smaller. It gives the slab
// that then holds the answer.
func (e *Env) compress(ctx *fasthttp.RequestCtx, accept, text []byte) []byte {
	if len(text) < compressAbove {
		return text
	}
	var packed []byte
	coding := request.AnswerCoding(accept)
	switch coding {
	case "zstd":
		packed = e.Codecs.Zstd(slab.Get(len(text)), text)
	case "gzip":
		packed = e.Codecs.Gzip(slab.Get(len(text)/2), text)
	default:
		return text
	}
	if len(packed) >= len(text) {
		slab.Put(packed)
		return text
	}
	slab.Put(text)
	ctx.Response.Header.Set("Content-Encoding", coding)
	return packed
}
