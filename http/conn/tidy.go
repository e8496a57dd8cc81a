package conn

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

const (
	// tidyEvery is how many seconds are between two looks.
	tidyEvery = 5
	// many connections at least are worth tidying after, and fewer than few in tidyEvery are calm.
	many, few = 1000, 100
)

// tidy gives memory back to the system when the use of many connections is over: the process would keep their
// goroutines' stacks and their buffers for minutes. While connections are used and parked all the time it does nothing.
type tidy struct {
	count atomic.Int64 // how often any was parked after use

	// of the goroutine that looks
	seconds    int
	last, done int64 // the count at the last look, and when it was tidied last
}

// look is called each second.
func (t *tidy) look() {
	if t.seconds++; t.seconds%tidyEvery != 0 {
		return
	}
	now := t.count.Load()
	isCalm := now-t.last < few
	t.last = now
	if isCalm && now-t.done >= many {
		t.done = now
		go func() {
			runtime.GC() // pools keep what they have over one collection
			debug.FreeOSMemory()
		}()
	}
}
