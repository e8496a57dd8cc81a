package drive

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	// failuresInARow of one connection end a run: a server that is gone is no load.
	failuresInARow = 10
	// failureRest is how long a connection rests after a failure, times those in a row.
	failureRest = int64(10 * time.Millisecond)
	// refusalRest is how long it rests after a refusal that doesn't say for how long.
	refusalRest = int64(100 * time.Millisecond)
	// maxRepeats of a refused request make it a failed one.
	maxRepeats = 10
)

// exchange is a request of one connection, and how those before it went.
type exchange struct {
	number   int    // of all the driver's connections
	meant    int64  // when the request was to be sent
	request  []byte // kept for a repeat
	repeats  int    // of this request
	failures int    // of this connection's requests, in a row
}

// step is what a connection does after a request was answered, or failed.
type step uint8

const (
	goOn      step = iota // it is free for the next request
	sendAgain             // it sends the same one again, after a rest
	takeRest              // it rests, on no connection, and is free then
)

// judge counts what becomes of requests, and says what is to be done next. Both drivers have it, so both count alike.
// It belongs to whoever holds the tally's lock.
type judge struct {
	phase  *Phase
	source Source
	tally  *Tally
}

// begin makes the next request of a connection.
func (j judge) begin(x *exchange, meant int64) {
	x.meant, x.repeats = meant, 0
	x.request = j.source.Next(x.number, meant)
}

// answered judges a whole answer. rest is how long the connection is to rest before what comes next.
func (j judge) answered(x *exchange, a *Answer, now int64) (next step, rest int64) {
	switch {
	case a.status/100 == 2:
		if err := j.source.Answered(x.number, a, x.meant, now, j.tally); err != nil {
			return takeRest, j.failed(x, err)
		}
	case a.status == 429 || a.status == 503:
		return j.refused(x, a, now)
	default:
		j.tally.Note(strconv.Itoa(a.status), Told(a.status, a.Body))
	}
	x.failures = 0
	return goOn, 0
}

// refused repeats a request when the server says so, unless it is too late or too often.
func (j judge) refused(x *exchange, a *Answer, now int64) (next step, rest int64) {
	j.tally.refused(a.status)
	text := Told(a.status, a.Body)
	if !j.phase.over(now) && x.repeats < maxRepeats {
		j.tally.firstOf(text)
		x.repeats++
		return sendAgain, restAfter(a)
	}
	j.tally.Note(strconv.Itoa(a.status), text)
	if x.repeats == maxRepeats {
		if x.failures++; x.failures >= failuresInARow {
			j.phase.abandon(fmt.Errorf("%d requests in a row were refused: %s", x.failures, text))
		}
	}
	return goOn, 0
}

// restAfter is how long a refusal asks to wait.
func restAfter(a *Answer) int64 {
	if seconds, err := strconv.Atoi(a.Header("Retry-After")); err == nil && seconds >= 0 {
		return int64(seconds) * int64(time.Second)
	}
	return refusalRest
}

// repeated counts a request that goes out again.
func (j judge) repeated() {
	j.tally.Sent++
	j.tally.Retried++
}

// tooLate counts a request that was refused, and that the end of the phase came before it was repeated.
func (j judge) tooLate() {
	j.tally.Note("refused at the end", "the server refused a request, and the time was over before it repeated")
}

// failed counts a request that got no answer, and gives the connection's rest.
func (j judge) failed(x *exchange, err error) (rest int64) {
	j.tally.failed(err)
	if x.failures++; x.failures >= failuresInARow {
		j.phase.abandon(fmt.Errorf("a connection's requests failed in a row, the last one: %w", err))
	}
	x.repeats = 0
	return failureRest * int64(x.failures)
}

// late counts a request that got no answer in time: a server that hangs is met twice.
func (j judge) late(x *exchange, timeout int64) (rest int64) {
	x.failures += failuresInARow / 2
	return j.failed(x, fmt.Errorf("no answer within %v: %w", time.Duration(timeout), os.ErrDeadlineExceeded))
}
