package http

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// life is how far a server is between its start and its end.
type life struct {
	// set before serving
	started time.Time
	// calls is the context of the handlers' calls to the broker; endCalls cuts them off when Shutdown's patience ends.
	calls    context.Context
	endCalls context.CancelFunc
	drain    chan struct{} // closed by end

	once   sync.Once
	opened atomic.Bool // atomic: the broker is there; it is written before and read after
}

func newLife() *life {
	calls, cancel := context.WithCancel(context.Background())
	return &life{started: time.Now(), calls: calls, endCalls: cancel, drain: make(chan struct{})}
}

// end begins the draining. It may be called more than once.
func (l *life) end() { l.once.Do(func() { close(l.drain) }) }

func (l *life) draining() bool {
	select {
	case <-l.drain:
		return true
	default:
		return false
	}
}
