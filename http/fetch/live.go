package fetch

import (
	"net"
	"strings"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/request"
)

// mostFlush bounds what one flush of a stream holds, in bytes of keys, values and headers; a first record may be
// larger. It is all that is held for a reader that is slow.
const mostFlush = 128 << 10

// live tells whether the query asks for a stream, and completes it as one. A browser sends
// Last-Event-ID when it comes again, to an address that may name an older one.
func (q *Query) live(format request.Format, head *request.Head) (bool, error) {
	q.Follow = q.Follow || format == request.Events
	if err := request.CheckToken(q.tokenGiven, format, head); err != nil {
		return false, err
	}
	switch {
	case !q.Follow && q.Resume.Marks != nil:
		return false, request.BadParam("last_event_id", "is for streams; an answer that ends takes 'position'")
	case !q.Follow:
		return false, nil
	case format != request.Events && format != request.NDJSON:
		return false, request.BadParam("follow",
			"needs -H 'Accept: application/x-ndjson' or -H 'Accept: text/event-stream'")
	case q.ackGiven:
		return false, request.BadParam("ack", "can't stand on a stream, which commits nothing; POST /groups/"+q.Group+
			"/offsets does")
	}
	if len(head.LastEventID) > 0 {
		if why := q.setResume(head.LastEventID); why != "" {
			return false, fault.InvalidParameter.New("The header 'Last-Event-ID' "+why,
				fault.Details{"header": "Last-Event-ID"})
		}
	}
	q.begin(format)
	return true, nil
}

// begin sets what a stream takes by default, and where one begins that goes on with an earlier one. A group is read
// from what it committed: who is no member of it has held nothing, and of a member more has to be known.
func (q *Query) begin(format request.Format) {
	if !q.MostGiven {
		q.Most.Records = maxRecords
	}
	q.Most.Bytes = min(q.Most.Bytes, mostFlush)
	switch inGroup := q.Group != "" && q.Start.By == ""; {
	case q.Resume.Marks != nil && q.Member == "" && !inGroup:
		q.Start = Start{By: "last_event_id", Kind: FromPosition, Marks: q.Resume.Marks}
	case format == request.Events && q.Start.By == "" && !inGroup:
		q.Start.Kind = FromLatest
	}
}

func setLastEventID(q *Query, v request.Value) error {
	if why := q.setResume(v.Text); why != "" {
		return v.Bad(why)
	}
	return nil
}

// setResume says why the token is none, "" is fine.
func (q *Query) setResume(token []byte) (why string) {
	r, ok := &q.Resume, false
	if r.Generation, r.Marks, ok = request.ParseToken(token); !ok {
		return "must be an id of this stream, as 0:15,2:7, or g7;0:15,2:7 for a member"
	}
	return ""
}

// goLive answers with a stream: what can be refused is refused here, and the rest is told in the stream. f is the
// stream's from here on.
func (f *fetching) goLive(ctx *fasthttp.RequestCtx, media request.Media, head *request.Head) error {
	s := &stream{f: f, most: f.query.Most.Bytes}
	s.flow.events, s.flow.writer.Options = media.Format == request.Events, f.query.Shape
	f.rounds.prepare(&f.ask, f.conn, &f.plan, &s.flow)
	if err := s.begin(); err != nil {
		s.giveUp()
		return err
	}
	s.writeHead(ctx, media.Name, head.AcceptEncoding)
	if f.query.Head {
		s.giveUp()
		return nil
	}
	s.conn = f.env.Open.Add(f.conn, f.revoked)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) { go s.run() }) // whose goroutine keeps the request and its buffers
	return nil
}

// begin finds where the stream begins, and what is there already.
func (s *stream) begin() (err error) {
	f := s.f
	if !f.query.Head {
		if f.env.draining() {
			return broker.ErrDraining
		}
		if s.counted = f.env.Streams.Take(1); !s.counted {
			return fault.Overloaded.New("Too many streams are open (--max-streams)", nil)
		}
	}
	if err := f.checkPartitions(); err != nil {
		return err
	}
	if f.plan, err = f.reader.begin(); err != nil {
		return err
	}
	f.resume()
	f.rounds.open()
	f.rounds.sort()
	if err := f.rounds.find(everyCursor); err != nil {
		return err
	}
	s.start = s.result().appendPosition(s.start)
	if f.query.Head {
		return nil
	}
	s.noteStart()
	f.rounds.goesOn = true
	if err := s.collect(everyCursor); err != nil {
		return err
	}
	return f.verdict()
}

// resume has a member go on where an earlier stream of it had got to, in what it has held since then; elsewhere, and in
// what comes to it later, it begins at the commit.
func (f *fetching) resume() {
	if f.query.Member == "" {
		return
	}
	p, earlier := &f.plan, &f.query.Resume
	if earlier.Marks != nil {
		p.start = Start{Kind: FromPosition, RestAtEnd: p.restAtEnd}
		for _, partition := range p.partitions {
			offset, ok := request.FindMark(earlier.Marks, partition)
			if !ok || !p.keeps(partition, earlier.Generation) {
				if offset, ok = request.FindMark(p.committed, partition); !ok {
					continue
				}
			}
			p.start.Marks = append(p.start.Marks, request.Mark{Partition: partition, Offset: offset})
		}
	}
	f.query.Start = Start{}
}

// writeHead prepares the answer's head, or with a HEAD answers. The connection ends with the stream.
func (s *stream) writeHead(ctx *fasthttp.RequestCtx, mediaType string, acceptEncoding []byte) {
	h := &ctx.Response.Header
	h.SetContentType(mediaType)
	h.Set("X-Accel-Buffering", "no")
	if !s.flow.events {
		tellPlaces(h, s.start, s.f.rounds.cursors)
		if coding := request.AnswerCoding(acceptEncoding); coding != "" {
			h.Set("Content-Encoding", coding)
			s.pack = s.f.env.Codecs.Stream(coding)
		}
	}
	s.chunked = ctx.Request.Header.IsHTTP11() // who speaks 1.0 sees the end by the connection's
	if s.f.query.Head {
		ctx.Response.SetBodyStream(strings.NewReader(""), -1)
		return
	}
	h.SetConnectionClose()
	if s.chunked {
		h.SetContentLength(-1)
	}
	s.head = h.AppendBytes(nil)
}
