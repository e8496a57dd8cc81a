package request

import "github.com/valyala/fasthttp"

// Head is what the fields of a request's head say, as far as anybody asks: read in one pass, since each look for one
// field costs about as much. The values are fasthttp's memory, good until the handler returns; nil is absent.
type Head struct {
	ContentType     []byte
	ContentEncoding []byte
	Accept          []byte
	AcceptEncoding  []byte
	Host            []byte
	Origin          []byte
	FetchSite       []byte // Sec-Fetch-Site
	RequestID       []byte // X-Request-Id
	IdempotencyKey  []byte
}

// Read takes the head's fields in place of what h said before.
func (h *Head) Read(r *fasthttp.RequestHeader) {
	*h = Head{}
	for name, value := range r.All() {
		switch string(name) { // as fasthttp spells them
		case "Host":
			h.Host = value
		case "Content-Type":
			h.ContentType = value
		case "Content-Encoding":
			h.ContentEncoding = value
		case "Accept":
			h.Accept = value
		case "Accept-Encoding":
			h.AcceptEncoding = value
		case "Origin":
			h.Origin = value
		case "Sec-Fetch-Site":
			h.FetchSite = value
		case "X-Request-Id":
			h.RequestID = value
		case "Idempotency-Key":
			h.IdempotencyKey = value
		}
	}
}
