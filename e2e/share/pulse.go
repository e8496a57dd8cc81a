package share

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// beat is how often a Pulse looks at the clock; what comes up to slack later is no stall.
const beat, slack = 10 * time.Millisecond, 20 * time.Millisecond

// Pulse tells how long the machine stood still: this process did not get to run when it should have, or what it asked of
// the disk took too long. Bounds on time are for the broker and its consumers, which share the machine with whatever else
// runs on it: what was measured meanwhile is forgiven for as long as that lasted.
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

// Late notes a stall that somebody else met. Any goroutine may call it.
func (p *Pulse) Late(from, to time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls = append(p.stalls, stall{from, to})
}

// Stalled is how much of the time between was lost.
func (p *Pulse) Stalled(from, to time.Time) (lost time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortFunc(p.stalls, func(a, b stall) int { return a.from.Compare(b.from) })
	for _, s := range p.stalls { // they may overlap
		if s.from.After(from) {
			from = s.from
		}
		until := s.to
		if until.After(to) {
			until = to
		}
		if until.After(from) {
			lost += until.Sub(from)
			from = until
		}
	}
	return lost
}
