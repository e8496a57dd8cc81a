package http

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/segment/slab"
)

var (
	// errBodyTimeout is returned when a body did not arrive within the read timeout.
	errBodyTimeout = errors.New("body timeout")
	// errBodyBroken is returned when a body ends early or its chunks are no chunks.
	errBodyBroken = errors.New("body broken")
)

const (
	// firstBodySlab bounds what a declared body costs before it arrives.
	firstBodySlab = 64 << 10
	// discardTime bounds how long a refused body is read on, so that the client gets to see the answer.
	discardTime = time.Second
)

func (s *Server) bodyTooLarge() error {
	return &apiError{
		status: 413, code: "body_too_large",
		message: "The request body is larger than " + strconv.Itoa(s.cfg.MaxBodyBytes) + " bytes",
		details: details{"max_size": s.cfg.MaxBodyBytes},
	}
}

func (s *Server) overloaded(what string) error {
	return &apiError{status: 429, code: "overloaded", message: what + "; nothing was stored"}
}

// admit judges a body by its declared length before any of it is read; a chunked body declares none. What is declared
// is not reserved, only looked at: a few connections that declare much and send nothing must not lock out everybody.
func (s *Server) admit(ctx *fasthttp.RequestCtx) error {
	declared := ctx.Request.Header.ContentLength()
	if declared > s.cfg.MaxBodyBytes {
		return s.bodyTooLarge()
	}
	if declared > 0 && !s.inflight.hasRoom(int64(declared)) {
		return s.overloaded("Too many bytes are waiting to be appended")
	}
	return nil
}

// expect answers `Expect: 100-continue`: a body that would be refused by its size is refused before it is sent.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	err := s.admit(ctx)
	if err == nil {
		return fasthttp.StatusContinue
	}
	s.ids.put(ctx, false)
	e, _ := explain(err)
	writeError(ctx, e)
	return e.status
}

// readBody reads the whole body into a slab, which the caller gives back. hold grows with what has arrived.
func (s *Server) readBody(ctx *fasthttp.RequestCtx, hold *lease) ([]byte, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return nil, nil
	}
	declared := ctx.Request.Header.ContentLength()
	body := slab.Get(min(max(declared, 1), firstBodySlab))
	for {
		if !hold.raise(cap(body)) {
			slab.Put(body)
			return nil, s.overloaded("Too many bytes are waiting to be appended")
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

// nextRoom is how much more room a body gets of which have bytes arrived: what is declared, up to fifteen times those.
// Each step copies what is there, so a megabyte should not take many.
func nextRoom(have, declared int) int { return max(min(declared-have, 15*have), 1) }

func bodyFault(err error) error {
	if isTimeout(err) {
		return errBodyTimeout
	}
	return errBodyBroken
}

func isTimeout(err error) bool {
	var late interface {
		error
		Timeout() bool
	}
	return errors.As(err, &late) && late.Timeout()
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
