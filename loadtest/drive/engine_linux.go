package drive

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
)

// readSize is what a loop reads at once at most: large answers take few system calls.
const readSize = 256 << 10

// loops are an engine: a thread each.
type loops []*loop

// newEngine is the best engine of this system.
func newEngine(c Config, to target) (engine, error) {
	n := min(c.Connections, cmp.Or(c.Loops, runtime.GOMAXPROCS(0)))
	var list loops
	for i := range n {
		p, err := newPoller()
		if err != nil {
			list.close()
			return nil, err
		}
		list = append(list, &loop{number: i, of: n, config: c, to: to, poll: p, source: c.Source(i),
			buf: make([]byte, readSize)})
	}
	for i := range c.Connections {
		w := &wire{exchange: exchange{number: i}, fd: -1, in: c.reader(i)}
		list[i%n].wires = append(list[i%n].wires, w)
	}
	return list, nil
}

func (ls loops) parts() int { return len(ls) }

func (ls loops) run(_ context.Context, p *Phase, parts []*shared) error {
	errs := make([]error, len(ls))
	var all sync.WaitGroup
	for i, l := range ls {
		all.Go(func() {
			if errs[i] = l.run(p, parts[i]); errs[i] != nil {
				p.stop()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (ls loops) close() {
	for _, l := range ls {
		l.close()
	}
}
