package drive

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// scanEvery is how often a loop looks for rests that are over and answers that are late.
	scanEvery = int64(20 * time.Millisecond)
	// failuresInARow of one connection end a run: a server that is gone is no load.
	failuresInARow = 10
	// failureRest is how long a connection rests after a failure, times those in a row.
	failureRest = int64(10 * time.Millisecond)
	// refusalRest is how long it rests after a refusal that doesn't say for how long.
	refusalRest = int64(100 * time.Millisecond)
	// maxRepeats of a refused request make it a failed one.
	maxRepeats = 10
)

// loop drives some connections of one server from one thread: it reads all answers that have come, then sends as many
// requests. In an open loop requests go out at the times of a schedule, each on a connection that is free; the loop has
// every so-and-so-many-th of them.
type loop struct {
	number, of int
	address    unix.Sockaddr
	timeout    int64
	source     Source
	prompt     bool    // its latencies count, even in a closed loop
	wires      []*wire // by number / of
	poll       *poller
	buf        []byte

	// of one phase
	*Phase
	tally  *shared
	active int     // connections that are neither down nor idle
	free   []*wire // that are, in an open loop
	turn   []*wire // that send next
	ticket int64   // of the schedule
	scan   int64
}

// run drives one phase and waits for the last answer.
func (l *loop) run(p *Phase, t *shared) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.Phase, l.tally, l.ticket, l.active, l.scan = p, t, 0, 0, 0
	l.free, l.turn = l.free[:0], l.turn[:0]
	l.poll.yields = p.interval == 0 && !l.prompt
	for _, w := range l.wires {
		w.failures, w.repeats = 0, 0
		l.rested(w, Clock())
	}
	for {
		l.tally.Lock()
		l.step(Clock())
		l.tally.Unlock()
		if l.end.Load() || l.active == 0 && l.idleFor(Clock()) {
			return nil
		}
		events, err := l.poll.wait(l.next(Clock()))
		if err != nil {
			return err
		}
		l.tally.Lock()
		for _, e := range events {
			if e.Fd != alarm {
				l.news(l.wires[int(e.Fd)/l.of], e.Events)
			}
		}
		l.tally.Unlock()
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
	if l.interval > 0 {
		l.pace(now)
	}
}

// pace sends what is due, as long as connections are free.
func (l *loop) pace(now int64) {
	for len(l.free) > 0 {
		due := l.due(l.ticket, l.number, l.of)
		if due > now || due >= l.until || !l.take(now) {
			return
		}
		l.ticket++
		w := l.free[len(l.free)-1]
		l.free = l.free[:len(l.free)-1]
		l.ask(w, due)
	}
}

// idleFor tells, when nothing is under way, that nothing will be; what was due and not sent is counted.
func (l *loop) idleFor(now int64) bool {
	if len(l.turn) > 0 {
		return false
	}
	if l.interval == 0 || l.usedUp() || l.gone.Load() != nil {
		return true
	}
	if now < l.until {
		return false
	}
	for l.due(l.ticket, l.number, l.of) < l.until {
		l.ticket++
		l.unsent.Add(1)
	}
	return true
}

// next is when the loop has something to do, if nothing comes before.
func (l *loop) next(now int64) int64 {
	if len(l.turn) > 0 {
		return now
	}
	if l.interval > 0 && len(l.free) > 0 {
		return min(l.scan, l.due(l.ticket, l.number, l.of))
	}
	return l.scan
}

// rested puts a connection that has nothing to do where it finds something.
func (l *loop) rested(w *wire, now int64) {
	if w.state != down {
		w.state = idle
	}
	w.request = nil
	switch {
	case l.interval > 0:
		l.free = append(l.free, w)
	case l.source.More(w.number) && l.take(now):
		l.turn = append(l.turn, w)
	}
}

// ask sends a new request.
func (l *loop) ask(w *wire, meant int64) {
	w.meant, w.repeats = meant, 0
	w.request = l.source.Next(w.number, meant)
	l.active++
	l.send(w, Clock())
}

// send sends a connection's request, on a new connection where there is none.
func (l *loop) send(w *wire, now int64) {
	l.tally.Sent++
	w.since = now
	if w.state == down {
		l.connect(w)
		return
	}
	w.state, w.unsent = busy, w.request
	w.in.reset()
	w.send()
}

func (l *loop) connect(w *wire) {
	fd, err := dial(l.address)
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
		w.state, w.unsent = busy, w.request
	}
	switch w.state {
	case busy:
		w.send()
		w.broken = w.broken || events&ends != 0
		if events&unix.EPOLLIN != 0 || w.broken {
			l.receive(w)
		}
	case idle, resting:
		if events&ends != 0 { // the server may end what is idle: the next request makes a new one
			state := w.state
			w.close()
			if state == resting {
				w.state = resting
			}
		}
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

// answered judges a whole answer.
func (l *loop) answered(w *wire, a *Answer, now int64) {
	var err error
	switch {
	case a.status/100 == 2:
		err = l.source.Answered(w.number, a, w.meant, now, &l.tally.Tally)
	case a.status == 429 || a.status == 503:
		l.refused(w, a, now)
		return
	default:
		l.tally.Note(strconv.Itoa(a.status), told(a))
	}
	if err != nil {
		l.failed(w, err)
		return
	}
	w.failures = 0
	l.finished(w, a, now)
}

// finished ends a request, and what the server or half a request ends of the connection.
func (l *loop) finished(w *wire, a *Answer, now int64) {
	if a.closes || w.broken || len(w.unsent) > 0 {
		w.close()
	}
	l.active--
	l.rested(w, now)
}

// refused repeats a request when the server says so, unless it is too late or too often.
func (l *loop) refused(w *wire, a *Answer, now int64) {
	l.tally.refused(a.status)
	if l.over(now) || w.repeats == maxRepeats {
		l.givenUp(w, a, now)
		return
	}
	text := told(a)
	l.tally.firstOf(text)
	if a.closes || w.broken || len(w.unsent) > 0 {
		w.close()
	}
	rest := refusalRest
	if seconds, err := strconv.Atoi(a.Header("Retry-After")); err == nil && seconds >= 0 {
		rest = int64(seconds) * int64(time.Second)
	}
	w.repeats++
	w.state, w.wake = resting, now+rest
}

// givenUp counts a request that was refused to the end.
func (l *loop) givenUp(w *wire, a *Answer, now int64) {
	l.tally.Note(strconv.Itoa(a.status), told(a))
	if w.repeats == maxRepeats {
		if w.failures++; w.failures >= failuresInARow {
			l.abandon(fmt.Errorf("%d requests in a row were refused: %s", w.failures, told(a)))
		}
	}
	l.finished(w, a, now)
}

// failed counts a request that got no answer.
func (l *loop) failed(w *wire, err error) {
	l.tally.failed(err)
	w.close()
	if w.failures++; w.failures >= failuresInARow {
		l.abandon(fmt.Errorf("a connection's requests failed in a row, the last one: %w", err))
	}
	w.repeats = 0
	w.state, w.wake = resting, Clock()+failureRest*int64(w.failures)
}

// lookAround ends rests and late answers.
func (l *loop) lookAround(now int64) {
	for _, w := range l.wires {
		switch {
		case w.state == resting && w.repeats > 0 && l.over(now):
			l.tally.Note("refused at the end", "the server refused a request, and the time was over before it repeated")
			l.wakeUp(w)
			l.active--
			l.rested(w, now)
		case w.state == resting && (now >= w.wake || l.over(now)):
			l.wakeUp(w)
			if w.repeats > 0 {
				l.tally.Retried++
				l.send(w, now)
				continue
			}
			l.active--
			l.rested(w, now)
		case (w.state == busy || w.state == connecting) && now-w.since > l.timeout:
			w.failures += failuresInARow / 2 // a server that hangs is met twice
			l.failed(w, fmt.Errorf("no answer within %v: %w", time.Duration(l.timeout), os.ErrDeadlineExceeded))
		}
	}
}

// wakeUp ends a rest: the connection may have ended meanwhile.
func (l *loop) wakeUp(w *wire) {
	if w.state = idle; w.fd < 0 {
		w.state = down
	}
}

// told is an answer for the report.
func told(a *Answer) string { return fmt.Sprintf("%d %s", a.status, Excerpt(a.Body)) }

func (l *loop) close() {
	for _, w := range l.wires {
		w.close()
	}
	if l.poll != nil {
		l.poll.close()
	}
}
