package drive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// inlineWrite is the largest request that fits into a socket's buffers, so that writing it never waits for the server.
const inlineWrite = 16 << 10

// What ends the wait for an answer.
var (
	errLate    = errors.New("no answer in time")
	errStopped = errors.New("the phase was stopped")
)

// worker is one keep-alive connection of the portable engine, made when a request needs it.
type worker struct {
	exchange

	to      target
	timeout time.Duration
	secure  *tls.Config // nil: plain HTTP
	timer   *time.Timer
	in      reader
	link    *link         // nil without a connection
	writing chan struct{} // closed when a large request is written, or can't be; nil without one
}

// shift is a worker's part of one phase.
type shift struct {
	judge    judge
	part     *shared // the lock of what the judge counts, and of its source
	schedule *schedule
}

func newWorker(number int, c Config, to target) *worker {
	w := &worker{exchange: exchange{number: number}, to: to, timeout: c.Timeout, secure: c.TLS,
		timer: time.NewTimer(time.Hour),
		in:    c.reader(number)}
	w.timer.Stop()
	return w
}

// run works until the phase has nothing more for this connection.
func (w *worker) run(ctx context.Context, s shift) {
	w.failures, w.repeats = 0, 0
	for ctx.Err() == nil && w.await(s) {
		for w.try(ctx, s) {
		}
	}
}

// await makes the next request when it is time for it; it tells whether there is one.
func (w *worker) await(s shift) bool {
	p, meant := s.judge.phase, int64(0)
	if p.interval > 0 {
		due, ok := s.schedule.take()
		if !ok {
			return false
		}
		w.rest(p, due)
		meant = due
	}
	s.part.Lock()
	defer s.part.Unlock()
	switch open := p.interval > 0; {
	case !open && !s.judge.source.More(w.number):
		return false
	case !p.take(Clock()):
		if open {
			s.schedule.missed.Add(1)
		}
		return false
	case !open:
		meant = Clock()
	}
	s.judge.begin(&w.exchange, meant)
	s.judge.tally.Sent++
	return true
}

// try sends the request once and takes what comes of it; again tells that it is to be sent again.
func (w *worker) try(ctx context.Context, s shift) (again bool) {
	a, err := w.ask(ctx)
	if errors.Is(err, errStopped) {
		w.hangUp()
		return false
	}
	next, rest, now := w.settle(s, a, err)
	if err != nil || next == takeRest || a.closes || !w.written() {
		w.hangUp()
	} else {
		w.link.release()
	}
	if next == goOn {
		return false
	}
	inTime := w.rest(s.judge.phase, now+rest)
	if next == takeRest {
		return false
	}
	s.part.Lock()
	defer s.part.Unlock()
	if !inTime {
		s.judge.tooLate()
		return false
	}
	s.judge.repeated()
	return true
}

// settle has the outcome of a request judged.
func (w *worker) settle(s shift, a *Answer, err error) (next step, rest, now int64) {
	now = Clock()
	s.part.Lock()
	defer s.part.Unlock()
	switch {
	case err == nil:
		next, rest = s.judge.answered(&w.exchange, a, now)
		return next, rest, now
	case errors.Is(err, errLate):
		return takeRest, s.judge.late(&w.exchange, int64(w.timeout)), now
	}
	return takeRest, s.judge.failed(&w.exchange, err), now
}

// ask sends the request and reads its answer, which is valid until the link is released or ended.
func (w *worker) ask(ctx context.Context) (*Answer, error) {
	w.timer.Reset(w.timeout)
	defer w.timer.Stop()
	if w.link != nil && w.link.ended() { // the server may end what is idle
		w.hangUp()
	}
	if w.link == nil {
		c, err := connect(ctx, w.to, w.timeout, w.secure)
		switch {
		case ctx.Err() != nil:
			return nil, errStopped
		case isTimeout(err):
			return nil, errLate
		case err != nil:
			return nil, err // it names the address
		}
		w.link = newLink(c)
	}
	w.in.reset()
	w.send()
	for {
		b, err := w.link.next(ctx, w.timer.C)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("read: %w", w.in.ended())
			}
			return nil, err
		}
		if done, err := w.in.feed(b); done || err != nil {
			return &w.in.answer, err
		}
		w.link.release()
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// send writes the request; a large one beside the wait for its answer, which may come before the server has read all.
// An error shows when the answer is read, which may have come before it.
func (w *worker) send() {
	c, request := w.link.conn, w.request
	if len(request) <= inlineWrite {
		_, _ = c.Write(request)
		return
	}
	w.writing = make(chan struct{})
	go func(done chan<- struct{}) {
		defer close(done)
		_, _ = c.Write(request)
	}(w.writing)
}

// written tells whether the whole request has been written, or given up.
func (w *worker) written() bool {
	if w.writing == nil {
		return true
	}
	select {
	case <-w.writing:
		w.writing = nil
		return true
	default:
		return false
	}
}

// hangUp ends the connection, and what is still being written to it.
func (w *worker) hangUp() {
	if w.link != nil {
		w.link.hangUp()
		w.link = nil
	}
	if w.writing != nil {
		<-w.writing
		w.writing = nil
	}
}

// rest waits until a time or the end of the phase, and tells whether the phase goes on.
func (w *worker) rest(p *Phase, until int64) bool {
	if left := time.Duration(min(until, p.until) - Clock()); left > 0 {
		w.timer.Reset(left)
		select {
		case <-w.timer.C:
		case <-p.cut:
		}
		w.timer.Stop()
	}
	return !p.over(Clock())
}
