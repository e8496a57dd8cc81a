package share

import (
	"sync"
	"testing"
	"time"
)

// beat is how often a Pulse looks at the clock; what comes up to slack later is no stall.
const beat, slack = 10 * time.Millisecond, 20 * time.Millisecond

// Pulse tells how long this process did not get to run when it should have. Bounds on time are for the broker and its
// consumers, which share the machine with whatever else runs on it: what was measured while the machine stood still is
// forgiven for as long as it did.
type Pulse struct {
	mu     sync.Mutex
	stalls []stall
}

type stall struct{ from, to time.Time }

// StartPulse begins to watch the clock until the test ends.
func StartPulse(t testing.TB) *Pulse {
	p := &Pulse{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for last := time.Now(); ; {
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
			now := time.Now()
			if due := last.Add(beat); now.Sub(due) > slack {
				p.Late(due, now)
			}
			last = now
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return p
}

// Late notes a stall. Any goroutine may call it, and also for a Pulse that was not started.
func (p *Pulse) Late(from, to time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls = append(p.stalls, stall{from, to})
}

// Stalled is how much of the time between was lost.
func (p *Pulse) Stalled(from, to time.Time) (lost time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stalls {
		begin, end := s.from, s.to
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		lost += max(end.Sub(begin), 0)
	}
	return lost
}
