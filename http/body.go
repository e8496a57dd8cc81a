package http

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/budget"
	"flashq/codec"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/request"
	"flashq/segment/slab"
)

const (
	// firstBodySlab bounds what a declared body costs before it arrives.
	firstBodySlab = 64 << 10
	// discardTime bounds how long a refused body is read on, so that the client gets to see the answer.
	discardTime = time.Second
)

func (s *Server) bodyTooLarge() error {
	return fault.BodyTooLarge.New("The request body is larger than "+strconv.Itoa(s.cfg.MaxBodyBytes)+" bytes",
		fault.Details{"max_size": s.cfg.MaxBodyBytes})
}

func bodiesWait() error {
	return fault.Overloaded.New("Too many bytes are waiting to be appended; nothing was stored", nil)
}

// holdBody gives a lease for the body of a request.
func (s *Server) holdBody(ctx *fasthttp.RequestCtx) budget.Lease {
	return s.bounds.inflight.Lease(conn.ShareOf(ctx.Conn()))
}

// admitBody judges a body by its declared length before any of it is read; a chunked body declares none. What is
// declared is not reserved, only looked at: a few connections that declare much and send nothing must not lock out
// everybody.
func (s *Server) admitBody(ctx *fasthttp.RequestCtx, hold *budget.Lease) error {
	declared := ctx.Request.Header.ContentLength()
	if declared > s.cfg.MaxBodyBytes {
		return s.bodyTooLarge()
	}
	if declared > 0 && !hold.HasRoom(declared) {
		return bodiesWait()
	}
	return nil
}

// expect answers `Expect: 100-continue`: a body that would be refused by its size is refused before it is sent.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	hold := s.holdBody(ctx)
	err := s.admitBody(ctx, &hold)
	if err == nil {
		return fasthttp.StatusContinue
	}
	s.ids.put(ctx, ctx.Request.Header.Peek("X-Request-Id"))
	e, _ := fault.Explain(err)
	s.writeError(ctx, e)
	return e.Kind.Status
}

// readBody reads the whole body into a slab, which the caller gives back. hold grows with what has arrived.
func (s *Server) readBody(ctx *fasthttp.RequestCtx, hold *budget.Lease) ([]byte, error) {
	if err := s.admitBody(ctx, hold); err != nil {
		return nil, err
	}
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return nil, nil
	}
	declared := ctx.Request.Header.ContentLength()
	conn.BeginBody(ctx.Conn(), s.bounds.inflight)
	body := slab.Get(min(max(declared, 1), firstBodySlab))
	for {
		if !hold.Raise(cap(body)) {
			slab.Put(body)
			return nil, bodiesWait()
		}
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > s.cfg.MaxBodyBytes {
			slab.Put(body)
			return nil, s.bodyTooLarge()
		}
		if err == io.EOF && len(body) >= declared || len(body) == declared {
			return body, nil
		}
		if err != nil {
			slab.Put(body)
			ctx.SetConnectionClose()
			return nil, bodyFault(err)
		}
		if len(body) == cap(body) {
			body = slab.Grow(body, nextRoom(len(body), declared))
		}
	}
}

// nextRoom is how much more room a body gets of which have bytes arrived: what is declared, up to three times those.
// Each step copies what is there, so a megabyte should not take many; and what is held is more than has come, so it
// should not be much more.
func nextRoom(have, declared int) int { return max(min(declared-have, 3*have), 1) }

func bodyFault(err error) error {
	if conn.IsTimeout(err) {
		return fault.ErrBodyTimeout
	}
	return fault.ErrBodyBroken
}

// discardBody reads on what a client still sends, at most twice the body limit and for a second at most, and then lets
// the connection end: an answer that is written while the client sends would be lost to a reset.
func (s *Server) discardBody(ctx *fasthttp.RequestCtx) {
	stream := ctx.RequestBodyStream()
	if stream == nil || ctx.Response.ConnectionClose() {
		return
	}
	_ = ctx.SetReadDeadline(time.Now().Add(discardTime)) // a failure shows in reading
	scratch := slab.Get(firstBodySlab)
	defer slab.Put(scratch)
	for left := 2 * s.cfg.MaxBodyBytes; left > 0; {
		n, err := stream.Read(scratch[:cap(scratch)])
		left -= n
		if err == io.EOF {
			return
		}
		if err != nil {
			break
		}
	}
	ctx.SetConnectionClose()
}

// decompress gives body decompressed in a slab of its own.
func (s *Server) decompress(coding string, body []byte) (plain []byte, err error) {
	first := min(4*len(body), firstBodySlab)
	switch coding {
	case "gzip":
		plain, err = s.codecs.Gunzip(slab.Get(first), bytes.NewReader(body), s.cfg.MaxBodyBytes)
	default:
		plain, err = s.codecs.Unzstd(slab.Get(first), bytes.NewReader(body), s.cfg.MaxBodyBytes)
	}
	if err == nil {
		return plain, nil
	}
	slab.Put(plain)
	if errors.Is(err, codec.ErrTooLarge) {
		return nil, s.bodyTooLarge()
	}
	return nil, fault.OutOfRange.New("The body is not valid "+coding, fault.Details{"field": "Content-Encoding"})
}

// readObject reads a body that is a JSON object, whatever its coding, into t. An empty body leaves t as it is: given
// tells.
func readObject[T any](s *Server, c *call, members request.Members[T], t *T) (given bool, err error) {
	return s.readJSON(c, func(body []byte) error { return members.Parse(body, t) })
}

// readJSON has a JSON body parsed, whatever its coding; given tells whether there is one.
func (s *Server) readJSON(c *call, parse func(body []byte) error) (given bool, err error) {
	hold := s.holdBody(c.ctx)
	defer hold.End()
	if c.ctx.Request.Header.ContentLength() != 0 {
		if _, err := request.BodyFormat(c.head.ContentType, request.OnlyJSON); err != nil {
			return false, err
		}
	}
	coding, err := request.BodyCoding(c.head.ContentEncoding)
	if err != nil {
		return false, err
	}
	body, err := s.readBody(c.ctx, &hold)
	defer slab.Put(body)
	if err != nil || len(body) == 0 {
		return false, err
	}
	if coding != "" {
		plain, err := s.decompress(coding, body)
		if err != nil {
			return false, err
		}
		defer slab.Put(plain)
		body = plain
	}
	return true, parse(body)
}
