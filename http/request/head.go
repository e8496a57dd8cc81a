package request

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
)

// Head is what the fields of a request's head say, as far as anybody asks: read in one pass, since each look for one
// field costs about as much. The values are fasthttp's memory, good until the handler returns; nil is absent.
type Head struct {
	ContentType     []byte
	ContentEncoding []byte
	Accept          []byte
	AcceptEncoding  []byte
	Authorization   []byte
	Host            []byte
	Origin          []byte
	FetchSite       []byte // Sec-Fetch-Site
	RequestID       []byte // X-Request-Id
	IdempotencyKey  []byte
	LastEventID     []byte // Last-Event-ID
	// RecordHeader is the name of the first FlashQ-Header-*, which a raw body's record gets.
	RecordHeader []byte
}

// RecordHeaderPrefix begins the names of a raw body's record headers, as fasthttp spells them.
const RecordHeaderPrefix = "Flashq-Header-"

var recordHeaderPrefix = []byte(RecordHeaderPrefix)

// Read takes the head's fields in place of what h said before. An error is about the request as a whole: where its body
// ends is not sure, so the connection has to close.
func (h *Head) Read(r *fasthttp.RequestHeader) (err error) {
	*h = Head{}
	fields := 0
	for name, value := range r.All() {
		fields++
		switch string(name) { // as fasthttp spells them
		case "Host":
			h.Host = value
		case "Content-Type":
			h.ContentType = value
		case "Content-Encoding":
			h.ContentEncoding = list(h.ContentEncoding, value)
		case "Accept":
			h.Accept = list(h.Accept, value)
		case "Accept-Encoding":
			h.AcceptEncoding = list(h.AcceptEncoding, value)
		case "Authorization":
			h.Authorization = list(h.Authorization, value) // of which two are none that anybody takes
		case "Origin":
			h.Origin = value
		case "Sec-Fetch-Site":
			h.FetchSite = value
		case "X-Request-Id":
			h.RequestID = value
		case "Idempotency-Key":
			if h.IdempotencyKey != nil && err == nil {
				err = fault.InvalidRequest.New("The header 'Idempotency-Key' stands twice; a request has one key", nil)
			}
			if h.IdempotencyKey = value; value == nil {
				h.IdempotencyKey = []byte{} // it is there
			}
		case "Last-Event-Id":
			h.LastEventID = value
		case "Content-Length", "User-Agent", "Connection":
		default:
			if err == nil && bytes.IndexByte(name, ' ') >= 0 {
				err = fault.InvalidRequest.New("The header "+fault.Quote(string(name))+" has a blank in its name", nil)
			}
			if h.RecordHeader == nil && bytes.HasPrefix(name, recordHeaderPrefix) {
				h.RecordHeader = name
			}
		}
	}
	if err == nil {
		err = checkFraming(r, fields)
	}
	return err
}

// list adds a line to what came before: a header that is a list is one list, however many lines it has.
func list(before, line []byte) []byte {
	if before == nil {
		return line
	}
	return append(append(bytes.Clone(before), ", "...), line...)
}

// checkFraming refuses what two parties that pass a request on may read in two ways, so that what is a body to one is
// the next request to another, or text to one and JSON to another. fields are as many as fasthttp made of the head.
func checkFraming(r *fasthttp.RequestHeader, fields int) error {
	if !r.IsHTTP11() && !bytes.HasPrefix(r.Protocol(), []byte("HTTP/1.")) {
		return fault.InvalidRequest.New(fault.Quote(string(r.Protocol()))+" is not served; send HTTP/1.1", nil)
	}
	if bytes.IndexByte(r.RequestURI(), '#') >= 0 {
		return fault.InvalidRequest.New("The target holds a '#', after which nothing would count; write it as %23", nil)
	}
	raw := r.RawHeaders()
	lengthAlone := r.IsPost() && r.ContentLength() > 0 && !r.ConnectionClose() // with both lengths fasthttp closes
	if lengthAlone && bytes.Count(raw, []byte{'\n'}) == fields+1 {
		return nil // and no line was joined to another, or took the place of an earlier one
	}
	return checkLines(raw)
}

func checkLines(raw []byte) error {
	lengths, codings, types := 0, 0, 0
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte{'\n'})
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			return fault.InvalidRequest.New("A header goes on in the next line; write it in one", nil)
		case hasName(line, "content-length:"):
			lengths++
		case hasName(line, "content-type:"):
			types++
		case hasName(line, "transfer-encoding:"):
			codings++
			// fasthttp passes over identity
			if coding := bytes.TrimSpace(line[len("transfer-encoding:"):]); !bytes.EqualFold(coding, []byte("chunked")) {
				return fault.InvalidRequest.New("Transfer-Encoding "+fault.Quote(string(coding))+
					" is not served; send chunked, or Content-Length", nil)
			}
		}
	}
	switch {
	case lengths > 0 && codings > 0:
		return fault.InvalidRequest.New("Content-Length stands beside Transfer-Encoding; send one of them", nil)
	case types > 1:
		return fault.InvalidRequest.New("The header 'Content-Type' stands twice; a body has one type", nil)
	}
	return nil
}

func hasName(line []byte, name string) bool {
	return len(line) >= len(name) && line[0]|0x20 == name[0] && bytes.EqualFold(line[:len(name)], []byte(name))
}
