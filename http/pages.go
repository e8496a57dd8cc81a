package http

import (
	"sync"

	"flashq/budget"
	"flashq/metrics"
	"flashq/slab"
)

// pages writes a page for all who ask for it at the same time: one of them writes it, the others wait and take a copy.
// The zero value is ready, and may be used by any number of goroutines.
type pages struct {
	mu      sync.Mutex
	writing *pageWriting // nil: nobody writes
}

// pageWriting is a page that somebody writes.
type pageWriting struct {
	done    chan struct{}  // closed when text is there, or nil: it came to nothing
	readers sync.WaitGroup // who take a copy
	others  int            // how many that are; under the lock of pages
	text    []byte         // a slab of the writer's
}

// get gives a page in a slab, which hold counts. A page that began before the call is as good as one that begins now.
func (g *pages) get(
	c *call, hold *budget.Lease, write func(p *metrics.Page, c *call) error,
) (text []byte, err error) {
	for {
		g.mu.Lock()
		other := g.writing
		if other == nil {
			mine := &pageWriting{done: make(chan struct{})}
			g.writing = mine
			g.mu.Unlock()
			return g.write(mine, c, hold, write)
		}
		other.readers.Add(1)
		other.others++
		g.mu.Unlock()
		text, err = other.copy(hold)
		if text != nil || err != nil {
			return text, err
		}
	}
}

// copy waits for the page; nil where it came to nothing, as when its writer's client has left.
func (w *pageWriting) copy(hold *budget.Lease) ([]byte, error) {
	defer w.readers.Done()
	<-w.done
	if w.text == nil {
		return nil, nil
	}
	if !hold.Raise(len(w.text)) {
		return nil, answersWait(false)
	}
	return append(slab.Get(len(w.text)), w.text...), nil
}

func (g *pages) write(
	w *pageWriting, c *call, hold *budget.Lease, write func(p *metrics.Page, c *call) error,
) (text []byte, err error) {
	defer func() {
		g.mu.Lock()
		g.writing = nil
		g.mu.Unlock()
		close(w.done)
		w.readers.Wait() // a copy takes no time: then the slab is the writer's alone
	}()
	p := metrics.NewPage(func(bytes int) bool { return bytes <= mostPage && hold.Raise(bytes) })
	if err := write(p, c); err != nil {
		return nil, err
	}
	size := p.Size()
	if !hold.Raise(p.Held() + size) { // both, for a moment
		return nil, answersWait(false)
	}
	text = join(p)
	hold.Lower(cap(text))
	w.text = text
	return text, nil
}

// waiting is how many wait for a page that somebody writes.
func (g *pages) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.writing == nil {
		return 0
	}
	return g.writing.others
}
