package http

import (
	"sync"

	"github.com/valyala/fasthttp"

	"flashq/http/openapi"
	"flashq/http/request"
	"flashq/http/schema"
)

// describing handles GET /openapi.json. What it sends is made when it is asked for the first time, and kept.
func (s *Server) describing() handler {
	plain := sync.OnceValue(func() []byte {
		text, err := s.table.document(s.cfg.Version)
		if err != nil {
			panic("http: " + err.Error()) // made of our own types only
		}
		return text
	})
	texts := map[string]func() []byte{
		"":     plain,
		"gzip": sync.OnceValue(func() []byte { return s.codecs.Gzip(nil, plain()) }),
		"zstd": sync.OnceValue(func() []byte { return s.codecs.Zstd(nil, plain()) }),
	}
	h := query(nil, func(c *call, _ struct{}) (any, error) {
		coding := request.AnswerCoding(c.head.AcceptEncoding)
		if coding != "" {
			c.ctx.Response.Header.Set("Content-Encoding", coding)
		}
		c.ctx.Response.SetStatusCode(fasthttp.StatusOK)
		c.ctx.Response.Header.SetContentTypeBytes(typeJSON)
		c.ctx.Response.SetBodyRaw(texts[coding]())
		return nil, nil
	})
	h = h.writes("application/json", (&schema.Schema{Type: "object", Rest: true}).Says("an OpenAPI 3.1 document").
		Like(map[string]string{"openapi": "3.1.0"}))
	h.heads = []openapi.Param{headAcceptEncoding}
	return h
}
