package drive

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Phase is one warm-up or one measurement, shared by the loops that are in it.
type Phase struct {
	Start    int64
	until    int64        // math.MaxInt64 is for ever
	interval float64      // nanoseconds between requests of an open loop; zero is a closed one
	left     atomic.Int64 // requests
	unsent   atomic.Int64 // of an open loop: due in time, but no connection was free before the end

	end  atomic.Bool           // no more requests, outstanding answers are of no interest
	gone atomic.Pointer[error] // why it ended early: the server is gone
	cut  chan struct{}         // closed with either of the two
	once sync.Once             // closes it
}

// NewPhase lasts for d (zero: for ever) or n requests (zero: any number), whichever is first. perSecond requests are
// due each second; zero is a closed loop.
func NewPhase(d time.Duration, n int64, perSecond float64) *Phase {
	p := &Phase{Start: Clock(), until: math.MaxInt64, cut: make(chan struct{})}
	if d > 0 {
		p.until = p.Start + int64(d)
	}
	if perSecond > 0 {
		p.interval = float64(time.Second) / perSecond
	}
	if n == 0 {
		n = math.MaxInt64
	}
	p.left.Store(n)
	return p
}

// take asks for one more request.
func (p *Phase) take(now int64) bool { return !p.over(now) && p.left.Add(-1) >= 0 }

// over tells that nothing more may be begun.
func (p *Phase) over(now int64) bool { return now >= p.until || p.end.Load() || p.gone.Load() != nil }

// abandon ends the phase because of an error that will not go away; the first one counts.
func (p *Phase) abandon(err error) {
	p.gone.CompareAndSwap(nil, &err)
	p.once.Do(func() { close(p.cut) })
}

// stop ends the phase at once, whatever is under way.
func (p *Phase) stop() {
	p.end.Store(true)
	p.once.Do(func() { close(p.cut) })
}

// usedUp tells that the requests ended before the time did.
func (p *Phase) usedUp() bool { return p.left.Load() < 0 }

// due is when the k-th request of an open loop is to be sent.
func (p *Phase) due(k int64) int64 { return p.Start + int64(float64(k)*p.interval) }
