package drive

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// scanEvery is how often a loop looks for rests that are over and answers that are late.
const scanEvery = int64(20 * time.Millisecond)

// loop drives some connections of one server from one thread: it reads all answers that have come, then sends as many
// requests. In an open loop requests go out at the times of a schedule, each on a connection that is free; the loop has
// every so-and-so-many-th of them.
type loop struct {
	number, of int
	config     Config
	to         target
	source     Source
	wires      []*wire // by number / of
	poll       *poller
	buf        []byte

	// of one phase
	phase  *Phase
	judge  judge
	active int     // wires that have a request, or rest after one
	free   []*wire // the others, in an open loop
	turn   []*wire // those that send next
	ticket int64   // of the schedule
	scan   int64
}

// run drives one phase and waits for the last answer.
func (l *loop) run(p *Phase, t *shared) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.phase, l.judge = p, judge{phase: p, source: l.source, tally: &t.Tally}
	l.ticket, l.active, l.scan = 0, 0, 0
	l.free, l.turn = l.free[:0], l.turn[:0]
	l.poll.yields = p.interval == 0 && !l.config.Prompt
	for _, w := range l.wires {
		w.failures, w.repeats = 0, 0
		l.release(w, Clock())
	}
	for {
		t.Lock()
		l.step(Clock())
		t.Unlock()
		if p.end.Load() || l.active == 0 && l.finished(Clock()) {
			return nil
		}
		events, err := l.poll.wait(l.next(Clock()))
		if err != nil {
			return err
		}
		t.Lock()
		for _, e := range events {
			if e.Fd != alarm {
				l.news(l.wires[int(e.Fd)/l.of], e.Events)
			}
		}
		t.Unlock()
	}
}

// step sends what is to be sent now.
func (l *loop) step(now int64) {
	if now >= l.scan {
		l.scan = now + scanEvery
		l.lookAround(now)
	}
	for i := 0; i < len(l.turn); i++ { // a failed connect appends nothing
		l.ask(l.turn[i], Clock())
	}
	l.turn = l.turn[:0]
	if l.phase.interval > 0 {
		l.pace(now)
	}
}

// pace sends what is due, as long as connections are free.
func (l *loop) pace(now int64) {
	for len(l.free) > 0 {
		due := l.due()
		if due > now || due >= l.phase.until || !l.phase.take(now) {
			return
		}
		l.ticket++
		w := l.free[len(l.free)-1]
		l.free = l.free[:len(l.free)-1]
		l.ask(w, due)
	}
}

// due is when the loop's next request is to be sent, in an open loop.
func (l *loop) due() int64 { return l.phase.due(l.ticket*int64(l.of) + int64(l.number)) }

// finished tells, when nothing is under way, that nothing will be; what was due and not sent is counted.
func (l *loop) finished(now int64) bool {
	p := l.phase
	if len(l.turn) > 0 {
		return false
	}
	if p.interval == 0 || p.usedUp() || p.gone.Load() != nil {
		return true
	}
	if now < p.until {
		return false
	}
	for l.due() < p.until {
		l.ticket++
		p.unsent.Add(1)
	}
	return true
}

// next is when the loop has something to do, if nothing comes before.
func (l *loop) next(now int64) int64 {
	if len(l.turn) > 0 {
		return now
	}
	if l.phase.interval > 0 && len(l.free) > 0 {
		return min(l.scan, l.due())
	}
	return l.scan
}

// release puts a wire that has nothing to do where it finds something.
func (l *loop) release(w *wire, now int64) {
	w.state, w.request = idle, nil
	switch {
	case l.phase.interval > 0:
		l.free = append(l.free, w)
	case l.source.More(w.number) && l.phase.take(now):
		l.turn = append(l.turn, w)
	}
}

// ask sends a new request.
func (l *loop) ask(w *wire, meant int64) {
	l.judge.begin(&w.exchange, meant)
	l.active++
	l.judge.tally.Sent++
	l.send(w, Clock())
}

// send sends a wire's request, on a new connection where there is none.
func (l *loop) send(w *wire, now int64) {
	w.since = now
	if w.fd < 0 {
		l.connect(w)
		return
	}
	w.state, w.unsent = awaiting, w.request
	w.in.reset()
	w.send()
}

func (l *loop) connect(w *wire) {
	fd, err := dial(l.to)
	if err != nil {
		l.failed(w, err)
		return
	}
	w.fd, w.state = fd, connecting
	if err := l.poll.add(fd, int32(w.number)); err != nil {
		l.failed(w, err)
	}
}

// news is what the poller tells about a connection.
func (l *loop) news(w *wire, events uint32) {
	const ends = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if w.state == connecting && events&(unix.EPOLLOUT|ends) != 0 {
		if err := dialed(w.fd); err != nil {
			l.failed(w, err)
			return
		}
		w.state, w.unsent = awaiting, w.request
	}
	switch {
	case w.state == awaiting:
		w.send()
		w.broken = w.broken || events&ends != 0
		if events&unix.EPOLLIN != 0 || w.broken {
			l.receive(w)
		}
	case w.state != connecting && events&ends != 0: // the server may end what is idle: the next request makes a new one
		w.hangUp()
	}
}

func (l *loop) receive(w *wire) {
	done, err := w.receive(l.buf)
	switch {
	case err == nil && !done && w.broken:
		l.failed(w, errHungUp)
	case err != nil:
		l.failed(w, err)
	case done:
		l.answered(w, &w.in.answer, Clock())
	}
}

// answered ends a request, and what the server or half a request ends of the connection.
func (l *loop) answered(w *wire, a *Answer, now int64) {
	next, rest := l.judge.answered(&w.exchange, a, now)
	if a.closes || w.broken || len(w.unsent) > 0 || next == takeRest {
		w.hangUp()
	}
	w.wake = now + rest
	switch next {
	case sendAgain:
		w.state = repeating
	case takeRest:
		w.state = recovering
	case goOn:
		l.active--
		l.release(w, now)
	}
}

// failed ends a request that got no answer.
func (l *loop) failed(w *wire, err error) { l.pause(w, l.judge.failed(&w.exchange, err)) }

func (l *loop) pause(w *wire, rest int64) {
	w.hangUp()
	w.state, w.wake = recovering, Clock()+rest
}

// lookAround ends rests and late answers.
func (l *loop) lookAround(now int64) {
	over := l.phase.over(now)
	for _, w := range l.wires {
		switch {
		case w.state == repeating && over:
			l.judge.tooLate()
			l.active--
			l.release(w, now)
		case w.state == repeating && now >= w.wake:
			l.judge.repeated()
			l.send(w, now)
		case w.state == recovering && (over || now >= w.wake):
			l.active--
			l.release(w, now)
		case (w.state == awaiting || w.state == connecting) && now-w.since > int64(l.config.Timeout):
			l.pause(w, l.judge.late(&w.exchange, int64(l.config.Timeout)))
		}
	}
}

func (l *loop) close() {
	for _, w := range l.wires {
		w.hangUp()
	}
	if l.poll != nil {
		l.poll.close()
	}
}
