package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/budget"
	"flashq/codec"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/http/request"
	"flashq/slab"
)

const (
	// firstBodySlab bounds what a declared body costs before it arrives.
	firstBodySlab = 64 << 10
	// discardTime bounds how long a refused body is read on, so that the client gets to see the answer within a second.
	discardTime = 800 * time.Millisecond
	// silence is how long nothing has to come from a client that seems to have sent all.
	silence = 50 * time.Millisecond
	// smallBody is what the routes take whose bodies are a few members.
	smallBody = 64 << 10
	// largeBody is from when on decoding keeps a processor for so long, 0.1 ms, that bodies take turns at it. One
	// processor is left to small requests, which would else be found by the poller only between two large ones.
	largeBody = 256 << 10
	// mostCommitBody is what a commit takes: maxCommits partitions of topics with the longest names.
	mostCommitBody = 400 * maxCommits
	// parseCopies is how many copies of a JSON object there are for a while when it is taken apart.
	parseCopies = 3
)

func bodyTooLarge(most int) error {
	return fault.BodyTooLarge.New("The request body is larger than "+strconv.Itoa(most)+" bytes",
		fault.Details{"max_size": most})
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
func admitBody(declared, most int, hold *budget.Lease) error {
	if declared > most {
		return bodyTooLarge(most)
	}
	if declared > 0 && !hold.HasRoom(declared) {
		return bodiesWait()
	}
	return nil
}

// readBody reads the whole body into a slab, which the caller gives back, also of one that is refused. Who sends it may
// have lost the right to meanwhile. hold grows with what has arrived.
func (s *Server) readBody(c *call, hold *budget.Lease) ([]byte, error) {
	body, err := s.receiveBody(c, hold)
	if err == nil {
		err = s.authorizeAgain(c)
	}
	return body, err
}

func (s *Server) receiveBody(c *call, hold *budget.Lease) ([]byte, error) {
	declared := c.ctx.Request.Header.ContentLength()
	if err := admitBody(declared, c.mostBody, hold); err != nil {
		return nil, err
	}
	stream := c.ctx.RequestBodyStream()
	if stream == nil {
		return nil, nil
	}
	conn.BeginBody(c.ctx.Conn(), s.bounds.inflight)
	first := firstBodySlab
	if declared > first {
		first = max(first, bodyRoom(conn.Waiting(c.ctx.Conn()), declared))
	}
	body := slab.Get(min(max(declared, 1), first))
	for {
		if !hold.Raise(cap(body)) {
			slab.Put(body)
			return nil, bodiesWait()
		}
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		c.seen.in += n
		if len(body) > c.mostBody {
			slab.Put(body)
			return nil, bodyTooLarge(c.mostBody)
		}
		if err == io.EOF && len(body) >= declared || len(body) == declared {
			return body, nil
		}
		if err != nil {
			slab.Put(body)
			c.ctx.SetConnectionClose()
			return nil, bodyFault(err)
		}
		if len(body) == cap(body) {
			come := len(body) + conn.Waiting(c.ctx.Conn())
			body = slab.Grow(body, max(bodyRoom(come, declared)-len(body), 1))
		}
	}
}

// bodyRoom is how large a slab a body gets of which so many bytes have come, be it that they wait in the system: what
// is declared, up to four times those. Each step copies what was read, so a megabyte should not take many; and what is
// held is more than has come, so it should not be much more.
func bodyRoom(come, declared int) int {
	most := 1 << (bits.Len(uint(4*come|1)) - 1) // as slabs are, none is larger than four times what has come
	return min(declared, most)
}

func bodyFault(err error) error {
	if conn.IsTimeout(err) {
		return fault.ErrBodyTimeout
	}
	return fault.ErrBodyBroken
}

// discardBody reads on what a client still sends, at most twice the body limit and for a second at most, and then lets
// the connection end: an answer that is written while the client sends would be lost to a reset.
func (s *Server) discardBody(ctx *fasthttp.RequestCtx) {
	if ctx.Response.ConnectionClose() {
		s.discardRest(ctx.Conn())
		return
	}
	stream := ctx.RequestBodyStream()
	if stream == nil {
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

// passBody reads the body of a request that should have none, as far as discardBody does, and judges as readBody does.
func (s *Server) passBody(c *call) error {
	if c.ctx.Request.Header.ContentLength() > s.cfg.MaxBodyBytes {
		return bodyTooLarge(s.cfg.MaxBodyBytes)
	}
	s.discardBody(c.ctx)
	return s.authorizeAgain(c)
}

// discardRest is discardBody for a request whose end is not known: it ends when nothing has come for a moment.
func (s *Server) discardRest(c net.Conn) {
	scratch := slab.Get(firstBodySlab)
	defer slab.Put(scratch)
	end := time.Now().Add(discardTime)
	for left := 2 * s.cfg.MaxBodyBytes; left > 0; {
		next := time.Now().Add(silence)
		if next.After(end) {
			return
		}
		_ = c.SetReadDeadline(next) // a failure shows in reading
		n, err := c.Read(scratch[:cap(scratch)])
		if err != nil {
			return
		}
		left -= n
	}
}

// discardHead is discardBody for a head that is too large, whose end shows that the client waits for an answer. A body
// may come with it.
func (s *Server) discardHead(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(discardTime)) // a failure shows in reading
	scratch := slab.Get(firstBodySlab)
	defer slab.Put(scratch)
	last, ended := 0, false // bytes of the read before, with which the end may begin
	for left := 2 * s.cfg.MaxBodyBytes; left > 0; {
		n, err := c.Read(scratch[last:cap(scratch)])
		if err != nil {
			return
		}
		left -= n
		got := scratch[:last+n]
		if !ended && (bytes.Contains(got, []byte("\n\r\n")) || bytes.Contains(got, []byte("\n\n"))) {
			ended = true
			_ = c.SetReadDeadline(time.Now().Add(silence))
		}
		last = copy(scratch[:2], got[max(len(got)-2, 0):])
	}
}

// decompress gives body decompressed in a slab of its own, of at most so many bytes. What is under way in it at a
// time is bounded by codec, so it counts when it is there.
func (s *Server) decompress(coding string, body []byte, most int) (plain []byte, err error) {
	first := min(4*len(body), firstBodySlab)
	switch coding {
	case "gzip":
		plain, err = s.codecs.Gunzip(slab.Get(first), bytes.NewReader(body), most)
	default:
		plain, err = s.codecs.Unzstd(slab.Get(first), bytes.NewReader(body), most)
	}
	if err == nil {
		return plain, nil
	}
	slab.Put(plain)
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		return nil, fault.BodyTooLarge.New(
			fmt.Sprintf("The request body is larger than %d bytes, decompressed (%s)", most, coding),
			fault.Details{"field": "Content-Encoding", "max_size": most})
	case errors.Is(err, codec.ErrWindow):
		window := s.codecs.Window()
		return nil, fault.BodyTooLarge.New(fmt.Sprintf("The body's zstd window is larger than %d bytes; compress it with "+
			"a smaller one: zstd -19 at most, without --long and --ultra", window),
			fault.Details{"field": "Content-Encoding", "max_size": window})
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
	body, err := s.readBody(c, &hold)
	c.seen.arrived = time.Now()
	defer slab.Put(body)
	if err != nil || len(body) == 0 {
		return false, err
	}
	held := cap(body)
	if coding != "" {
		plain, err := s.decompress(coding, body, c.mostBody)
		if err != nil {
			return false, err
		}
		defer slab.Put(plain)
		body = plain
		held += cap(plain)
	}
	if !hold.Raise(held + parseCopies*len(body)) {
		return false, bodiesWait()
	}
	return true, parse(body)
}
