package http

import (
	"encoding/json"
	"fmt"
	"net"
	"runtime/debug"
	"sync"

	"flashq/broker"
	"flashq/http/conn"
	"flashq/http/fault"
)

// mostStatsStreams bounds the streams of figures: each costs a text a second.
const mostStatsStreams = 100

// statsStream sends the figures as server-sent events, once a second. It belongs to the goroutine of run.
type statsStream struct {
	server  *Server
	query   statsQuery
	head    []byte // of the answer, until it is sent
	chunked bool
	request net.Conn
	conn    *conn.Stream
	revoked <-chan struct{} // closed when who asks may not any more
}

// admitStatsStream takes a stream's place, or tells why there is none.
func (s *Server) admitStatsStream() error {
	switch {
	case s.life.draining():
		return broker.ErrDraining
	case !s.bounds.streams.Take(1):
		return fault.Overloaded.New("Too many streams are open (--max-streams)", nil)
	case !s.statsStreams.Take(1):
		s.bounds.streams.Give(1)
		return fault.Overloaded.New(fmt.Sprintf("Too many streams of figures are open: %d", mostStatsStreams), nil)
	}
	return nil
}

// streamStats takes the connection over for a stream of figures.
func (s *Server) streamStats(c *call, q statsQuery) error {
	if !c.ctx.IsHead() {
		if err := s.admitStatsStream(); err != nil {
			return err
		}
	}
	h := &c.ctx.Response.Header
	h.SetContentType("text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if c.ctx.IsHead() {
		return nil
	}
	h.SetConnectionClose()
	st := &statsStream{server: s, query: q, chunked: c.ctx.Request.Header.IsHTTP11(), request: c.ctx.Conn(),
		revoked: c.who.Revoked()}
	if st.chunked {
		h.SetContentLength(-1)
	}
	st.head = h.AppendBytes(nil)
	st.conn = s.fetches.Open.Add(st.request, st.revoked)
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(net.Conn) { go st.run() }) // whose goroutine keeps the request and its buffers
	return nil
}

// run owns the stream from its head to its end.
func (st *statsStream) run() {
	s := st.server
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Logger.Error("panic in a stream of figures", "panic", p, "stack", string(debug.Stack()))
		}
		_ = st.conn.Close() // nobody is left to be told
		s.statsStreams.Give(1)
		s.bounds.streams.Give(1)
	}()
	peer := s.fetches.Peers.Watch(st.request)
	defer peer.Stop()
	for {
		next := s.rates.next() // before the figures: a tick in between is not missed
		text, err := s.statsTexts.get(s, st.query)
		if err != nil || st.send(text) != nil {
			return
		}
		select {
		case <-next:
		case <-peer.Gone():
			return
		case <-st.revoked:
			st.end()
			return
		case <-s.life.drain:
			st.end()
			return
		}
	}
}

// send sends an event, unless there is no room for what a slow reader would have it hold: the next one comes soon.
func (st *statsStream) send(event statsText) error {
	answers := st.server.bounds.answers
	if st.head != nil {
		if err := st.conn.Send(st.head, answers, nil); err != nil {
			return err
		}
		st.head = nil
	}
	hold := answers.Lease(conn.ShareOf(st.request))
	defer hold.End()
	if !hold.Raise(len(event.chunk)) {
		return nil
	}
	if st.chunked {
		return st.conn.Send(event.chunk, answers, nil)
	}
	return st.conn.Send(event.plain, answers, nil)
}

// end tells that the answer is whole.
func (st *statsStream) end() {
	if st.chunked {
		_, _ = st.conn.Write([]byte("0\r\n\r\n")) // the end of the connection says it, too
	}
}

// statsTexts makes the events. Streams that show the same share one. The zero value is ready, and may be used by any
// number of goroutines.
type statsTexts struct {
	mu    sync.Mutex
	tick  int
	query statsQuery
	text  statsText
}

// statsText is an event, as it is and as a chunk. It is never changed.
type statsText struct{ plain, chunk []byte }

func (t *statsTexts) get(s *Server, q statsQuery) (statsText, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tick := s.rates.now()
	if t.text.chunk != nil && t.tick == tick && t.query == q {
		return t.text, nil
	}
	st, err := s.collectStats(q)
	if err != nil {
		return statsText{}, err
	}
	text, err := json.Marshal(st)
	if err != nil {
		return statsText{}, fmt.Errorf("stats: %w", err)
	}
	t.tick, t.query = tick, q
	const before, after = "event: stats\ndata: ", "\n\n"
	chunk := fmt.Appendf(nil, "%x\r\n", len(before)+len(text)+len(after))
	head := len(chunk)
	chunk = append(append(append(append(chunk, before...), text...), after...), "\r\n"...)
	t.text = statsText{plain: chunk[head : len(chunk)-2], chunk: chunk}
	return t.text, nil
}

// now is the number of the last tick.
func (r *rates) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ticks
}
