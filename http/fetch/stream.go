package fetch

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"flashq/broker"
	"flashq/broker/poll"
	"flashq/codec"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/slab"
)

const (
	heartbeat = 15 * time.Second
	// retryMs is after how long a browser comes again.
	retryMs = "2000"
	// leastFlush is how small a flush gets while there is little room for answers, and shortPause how long a stream waits
	// then before it tries again.
	leastFlush = 4 << 10
	shortPause = 100 * time.Millisecond
	// readerCheck is how often it is looked whether a member takes what was sent to it.
	readerCheck = time.Second
	// A stream that has sent something waits before it sends again, the longer the more streams are open, so that many of
	// them get a few large pieces instead of many small ones.
	pausePerStream = 50 * time.Microsecond
	mostPause      = 100 * time.Millisecond
	leastPause     = 2 * time.Millisecond // less is not worth a timer
)

// What ends a stream beside what the reader is told of as an error.
var (
	errLeft = errors.New("the reader has left")
	errDone = errors.New("nothing that comes can be asked for")
)

// stream is an answer that goes on: it reads what is there, sends it, and waits for more. It belongs to the goroutine
// of the request until run, then to that of run.
type stream struct {
	f       *fetching
	flow    flow
	counted bool // it holds a part of Env.Streams
	chunked bool
	pack    *codec.Stream // nil: nothing is compressed
	start   []byte        // the position where it begins
	head    []byte        // of the answer, until it is sent

	conn  *conn.Stream
	peer  *conn.Peer
	poll  *poll.Poll
	timer *time.Timer
	wrote time.Time // when something was sent last

	most  int  // bytes of the next flush
	short bool // there was no room for the last one
	fresh bool // records were sent since the last wait

	reading reading
}

// run owns the stream from its head to its end.
func (s *stream) run() {
	defer s.giveUp()
	defer s.survive()
	s.lastWords(s.follow())
}

// giveUp gives back all that the stream holds.
func (s *stream) giveUp() {
	env := s.f.env
	s.flow.drop()
	s.f.recycle()
	if s.conn != nil {
		_ = s.conn.Close() // nobody is left to be told
	}
	if s.counted {
		env.Streams.Give(1)
	}
}

// survive keeps one stream's bug from being everybody's end.
func (s *stream) survive() {
	if p := recover(); p != nil {
		s.f.env.Log.Error("panic in a stream", "topic", s.f.topic.Name(), "panic", p, "stack", string(debug.Stack()))
	}
}

// follow sends what there is and what comes, until something ends it.
func (s *stream) follow() error {
	f := s.f
	s.poll = poll.New(len(f.rounds.cursors))
	defer func() {
		s.poll.Leave()
		s.poll = nil
	}()
	s.peer = f.env.Peers.Watch(f.conn)
	defer s.peer.Stop()
	s.timer = time.NewTimer(heartbeat)
	defer s.timer.Stop()
	if err := s.sendHead(); err != nil {
		return err
	}
	for {
		if err := s.flush(); err != nil {
			return err
		}
		if err := s.proceed(); err != nil {
			return err
		}
		if err := s.regroup(); err != nil {
			return err
		}
		if err := s.collect(due); err != nil {
			return err
		}
	}
}

// due tells whether a partition may have something to read.
func due(c *cursor) bool { return !c.started || c.place == nil || c.place.News() || c.readable() }

// proceed tells what stands in the way once all that is readable has been sent, or waits for more.
func (s *stream) proceed() error {
	if err := s.isOver(); err != nil {
		return err
	}
	switch {
	case s.short:
		return s.sleep(shortPause)
	case s.behind():
		return s.watchGroup()
	}
	if err := s.verdict(); err != nil {
		return err
	}
	return s.wait()
}

// behind tells that there is more to read.
func (s *stream) behind() bool {
	return slices.ContainsFunc(s.f.rounds.cursors, func(c cursor) bool {
		return c.trouble.kind == noTrouble && c.next < c.end
	})
}

// verdict is the trouble that some partition is in, or the end of all.
func (s *stream) verdict() error {
	cursors := s.f.rounds.cursors
	done := 0
	for i := range cursors {
		c := &cursors[i]
		switch t := &c.trouble; t.kind {
		case damaged:
			return fault.Corrupt(c.partition, t.first, t.resume)
		case unreadable:
			return fault.Unreadable(c.partition, t.first, t.resume)
		case down:
			e, _ := fault.Explain(broker.ErrStorage)
			return e.With("partition", c.partition)
		}
		if c.done() {
			done++
		}
	}
	if done > 0 && done == len(cursors) {
		return errDone
	}
	return nil
}

// collect reads for one flush. While others hold all the room for answers it takes nothing, and less the next time.
func (s *stream) collect(again func(c *cursor) bool) error {
	r := &s.f.rounds
	r.tally = tally{most: Amount{s.f.query.Most.Records, s.most}}
	for i := range r.cursors {
		r.cursors[i].full = false
	}
	err := r.collect(again)
	var e *fault.Error
	s.short = errors.As(err, &e) && e.Kind == fault.Overloaded
	if !s.short {
		s.most = min(2*s.most, s.f.query.Most.Bytes)
		return err
	}
	s.most = max(s.most/2, min(leastFlush, s.f.query.Most.Bytes))
	s.flow.text.drop()
	r.buffers.settle(0)
	for i := range r.cursors {
		r.cursors[i].undo()
	}
	return nil
}

// undo goes back to what has been sent.
func (c *cursor) undo() {
	c.next, c.gap = c.sent, 0
	if c.trouble.kind != down {
		c.trouble = trouble{}
	}
}

// flush sends what was read, after what there is to be told of it.
func (s *stream) flush() error {
	f := s.f
	s.noteGaps()
	if notes := s.flow.takeNotes(); notes != nil {
		if err := s.send(notes); err != nil {
			return err
		}
	}
	piece := s.flow.take(s.result())
	for i := range f.rounds.cursors {
		c := &f.rounds.cursors[i]
		c.sent = c.next
	}
	if piece == nil {
		return nil
	}
	s.fresh = true
	err := s.send(piece)
	if err == nil {
		f.countTaken()
	}
	f.rounds.buffers.hold.Lower(0)
	return err
}

// result is what the stream has come to.
func (s *stream) result() *result {
	f := s.f
	f.result = result{query: &f.query, plan: &f.plan, cursors: f.rounds.cursors, reader: f.reader}
	return &f.result
}

// wait parks the stream until there may be more, and sends a heartbeat where that takes long.
func (s *stream) wait() error {
	if err := s.pause(); err != nil {
		return err
	}
	if err := s.watchGroup(); err != nil {
		return err
	}
	if err := s.f.watchPartitions(s.poll); err != nil {
		return err
	}
	if err := s.verdict(); err != nil { // one went down meanwhile
		return err
	}
	s.timer.Reset(s.reading.nextLook(time.Until(s.wrote.Add(heartbeat))))
	if s.poll.Park(poll.Until{
		Timeout: s.timer.C, Gone: s.peer.Gone(), Drain: s.f.env.Drain, Revoked: s.f.revoked,
	}) {
		return nil
	}
	if err := s.isOver(); err != nil {
		return err
	}
	s.look()
	if time.Since(s.wrote) >= heartbeat {
		s.flow.beat()
	}
	return nil
}

// pause has a stream that has just sent something wait, if many are open.
func (s *stream) pause() error {
	if !s.fresh {
		return nil
	}
	s.fresh = false
	pause := min(time.Duration(s.f.env.Streams.Used())*pausePerStream, mostPause)
	if pause < leastPause {
		return nil
	}
	return s.sleep(pause)
}

func (s *stream) sleep(d time.Duration) error {
	s.timer.Reset(d)
	select {
	case <-s.timer.C:
	case <-s.peer.Gone():
	case <-s.f.env.Drain:
	case <-s.f.revoked:
	}
	return s.isOver()
}

// isOver tells that nobody listens any more, or may not, or that the server ends.
func (s *stream) isOver() error {
	select {
	case <-s.peer.Gone():
		return errLeft
	case <-s.f.env.Drain:
		return broker.ErrDraining
	default:
		return s.f.checkToken()
	}
}

// sendHead sends the answer's head, with what the stream opens with.
func (s *stream) sendHead() error {
	if s.flow.notes != nil {
		return s.send(s.flow.takeNotes())
	}
	return s.write(nil)
}

// send sends a piece.
func (s *stream) send(piece []byte) error {
	if s.pack != nil {
		packed := s.pack.Append(newPiece(len(piece)), piece[chunkRoom:])
		slab.Put(piece)
		piece = packed
	}
	defer func() { slab.Put(piece) }()
	if !s.chunked {
		return s.write(piece[chunkRoom:])
	}
	piece = append(slab.Grow(piece, 2), "\r\n"...)
	return s.write(chunk(piece))
}

// chunk puts the length before a piece that has its end.
func chunk(piece []byte) []byte {
	const digits = "0123456789abcdef"
	piece[chunkRoom-2], piece[chunkRoom-1] = '\r', '\n'
	at := chunkRoom - 2
	for n := len(piece) - chunkRoom - 2; n > 0; n >>= 4 {
		at--
		piece[at] = digits[n&15]
	}
	return piece[at:]
}

func (s *stream) write(p []byte) error {
	if s.head != nil {
		p = append(s.head, p...)
		s.head = nil
	}
	s.wrote = time.Now()
	if err := s.conn.Send(p, s.f.env.Answers, s.reading.hook(s)); err != nil {
		return fmt.Errorf("%w: %w", errLeft, err)
	}
	s.reading.sent += int64(len(p))
	s.reading.waits = s.f.query.Member != ""
	return nil
}
