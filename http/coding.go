package http

import (
	"bytes"
	"errors"
	"strings"

	"github.com/valyala/fasthttp"

	"flashq/segment/slab"
)

// compressAbove is the size in bytes from which an answer is worth compressing.
const compressAbove = 1 << 10

const acceptedCodings = "gzip, zstd"

// bodyCoding judges a request's Content-Encoding: "" is none.
func bodyCoding(ctx *fasthttp.RequestCtx) (string, error) {
	value := ctx.Request.Header.ContentEncoding()
	if len(value) == 0 {
		return "", nil
	}
	switch coding := strings.ToLower(strings.TrimSpace(string(value))); coding {
	case "identity":
		return "", nil
	case "gzip", "zstd":
		return coding, nil
	default:
		return "", &apiError{
			status: 415, code: "unsupported_media_type", accepts: acceptedCodings,
			message: "Content-Encoding " + quote(coding) + " is not accepted; send " + acceptedCodings + " or none",
		}
	}
}

// decompress gives body decompressed in a slab of its own.
func (s *Server) decompress(coding string, body []byte) (plain []byte, err error) {
	first := min(4*len(body), firstBodySlab)
	switch coding {
	case "gzip":
		plain, err = s.codecs.gunzip(slab.Get(first), bytes.NewReader(body), s.cfg.MaxBodyBytes)
	default:
		plain, err = s.codecs.unzstd(slab.Get(first), bytes.NewReader(body), s.cfg.MaxBodyBytes)
	}
	if err == nil {
		return plain, nil
	}
	slab.Put(plain)
	if errors.Is(err, errTooLarge) {
		return nil, s.bodyTooLarge()
	}
	return nil, &apiError{
		status: 400, code: "validation_error", message: "The body is not valid " + coding,
		details: details{"field": "Content-Encoding"},
	}
}

// compress puts text, a slab, into the coding that the client likes best, if that makes it smaller. It gives the slab
// that then holds the answer.
func (s *Server) compress(ctx *fasthttp.RequestCtx, text []byte) []byte {
	if len(text) < compressAbove {
		return text
	}
	var packed []byte
	coding := answerCoding(ctx.Request.Header.Peek("Accept-Encoding"))
	switch coding {
	case "zstd":
		packed = s.codecs.zstd(slab.Get(len(text)), text)
	case "gzip":
		packed = s.codecs.gzip(slab.Get(len(text)/2), text)
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

// answerCoding picks zstd or gzip from an Accept-Encoding header, by quality, zstd first among equals; "" is neither.
func answerCoding(header []byte) string {
	if len(header) == 0 {
		return ""
	}
	accept := strings.ToLower(string(header))
	best, bestQuality := "", 0
	for _, coding := range [...]string{"zstd", "gzip"} {
		if q := codingQuality(accept, coding); q > bestQuality {
			best, bestQuality = coding, q
		}
	}
	if codingQuality(accept, "identity") > bestQuality {
		return ""
	}
	return best
}

// codingQuality is the q of one coding in thousandths: its own, or else that of *.
func codingQuality(accept, coding string) int {
	wild := 0
	for item := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(item, ";")
		switch strings.TrimSpace(name) {
		case coding:
			return quality(params)
		case "*":
			wild = quality(params)
		}
	}
	return wild
}
