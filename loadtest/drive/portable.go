package drive

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// portable is the engine of every system: a goroutine for each connection, by the runtime's own means. It counts as
// loops do, but costs more processor time a request, and its clock includes what the runtime takes to wake it.
type portable struct {
	sources []Source // of each group of connections
	workers []*worker
}

func newPortable(c Config, to target) (engine, error) {
	e := &portable{}
	for i := range min(c.Connections, cmp.Or(c.Loops, runtime.GOMAXPROCS(0))) {
		e.sources = append(e.sources, c.Source(i))
	}
	for i := range c.Connections {
		e.workers = append(e.workers, newWorker(i, c, to))
	}
	return e, nil
}

func (e *portable) parts() int { return len(e.sources) }

func (e *portable) run(ctx context.Context, p *Phase, parts []*shared) error {
	s := &schedule{phase: p}
	var all sync.WaitGroup
	for i, w := range e.workers {
		group := i % len(parts)
		all.Go(func() {
			w.run(ctx, shift{part: parts[group], schedule: s,
				judge: judge{phase: p, source: e.sources[group], tally: &parts[group].Tally}})
		})
	}
	all.Wait()
	s.tellUnsent()
	return nil
}

func (e *portable) close() {
	for _, w := range e.workers {
		w.hangUp()
	}
}

// schedule hands the requests of an open loop out, in the order in which they are due, to whoever is free.
type schedule struct {
	phase  *Phase
	next   atomic.Int64
	missed atomic.Int64 // handed out, and not sent before the end
}

// take is when the next request is due; ok is false when there is none before the end.
func (s *schedule) take() (due int64, ok bool) {
	due = s.phase.due(s.next.Add(1) - 1)
	return due, due < s.phase.until
}

// tellUnsent counts what was due and not sent, when all workers have ended with the time.
func (s *schedule) tellUnsent() {
	p := s.phase
	if p.interval == 0 || p.usedUp() || p.gone.Load() != nil || p.end.Load() {
		return
	}
	unsent := s.missed.Load()
	for k := s.next.Load(); p.due(k) < p.until; k++ {
		unsent++
	}
	p.unsent.Store(unsent)
}
