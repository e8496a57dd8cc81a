package drive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// streamBuffer is what a stream of the portable engine reads at once at most: each has one.
const streamBuffer = 4 << 10

// portableStreams read with a goroutine for each stream.
type portableStreams struct {
	config  StreamsConfig
	streams []*connStream
	alive   int        // streams that have not ended; guarded by the phase's part
	mu      sync.Mutex // guards the watcher while streams are opened; then the phase's part does
}

// connStream is a stream with its connection. It belongs to one goroutine at a time.
type connStream struct {
	stream
	conn net.Conn
	buf  []byte
	err  error // why it ended
}

func openPortableStreams(ctx context.Context, c StreamsConfig, to target) (engine, error) {
	e := &portableStreams{config: c, alive: c.Streams}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	var once sync.Once
	var first error
	free := make(chan struct{}, opening)
	for i := range c.Streams {
		s := &connStream{stream: stream{number: i}, buf: make([]byte, streamBuffer)}
		e.streams = append(e.streams, s)
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			if err := e.open(ctx, s, to); err != nil {
				once.Do(func() {
					first = fmt.Errorf("stream %d: %w", i, err)
					cancel()
				})
			}
		})
	}
	all.Wait()
	if first != nil {
		e.close()
		return nil, first
	}
	return e, nil
}

// open connects and waits for the head.
func (e *portableStreams) open(ctx context.Context, s *connStream, to target) (err error) {
	if s.conn, err = connect(ctx, to, e.config.Timeout, e.config.TLS); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })()
	if err := s.conn.SetDeadline(time.Now().Add(e.config.Timeout)); err != nil {
		return err
	}
	if _, err := s.conn.Write(e.config.Request(s.number)); err != nil {
		return err
	}
	tally := NewTally() // what comes before the first phase is not counted
	for !s.open {
		n, err := s.conn.Read(s.buf)
		if err != nil {
			return err
		}
		if err := e.take(&e.mu, s, n, tally); err != nil {
			return err
		}
	}
	return nil
}

func (e *portableStreams) take(lock sync.Locker, s *connStream, n int, t *Tally) error {
	lock.Lock()
	defer lock.Unlock()
	now := Clock()
	return s.feed(s.buf[:n], func(piece []byte) { e.config.Watcher.Take(s.number, piece, now, t) })
}

func (e *portableStreams) parts() int { return 1 }

func (e *portableStreams) run(_ context.Context, p *Phase, parts []*shared) error {
	part := parts[0]
	var all sync.WaitGroup
	for _, s := range e.streams {
		if s.err == nil {
			_ = s.conn.SetReadDeadline(time.Time{}) // its error is the read's
			all.Go(func() { e.read(p, s, part) })
		}
	}
	e.await(p, part)
	for _, s := range e.streams {
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed reads no more anyway
	}
	all.Wait()
	return nil
}

// await returns when the phase is over.
func (e *portableStreams) await(p *Phase, part *shared) {
	look := time.NewTicker(overEvery)
	defer look.Stop()
	for !p.over(Clock()) {
		part.Lock()
		over := e.config.Watcher.Over(Clock())
		part.Unlock()
		if over {
			return
		}
		select {
		case <-look.C:
		case <-p.cut:
		}
	}
}

// read takes what comes until the phase or the stream ends.
func (e *portableStreams) read(p *Phase, s *connStream, part *shared) {
	for s.err == nil {
		var n int
		if n, s.err = s.conn.Read(s.buf); s.err == nil {
			s.err = e.take(part, s, n, &part.Tally)
		}
	}
	if errors.Is(s.err, os.ErrDeadlineExceeded) { // the phase
		s.err = nil
		return
	}
	part.Lock()
	defer part.Unlock()
	e.alive--
	p.ended(&part.Tally, fmt.Errorf("read: %w", s.err), e.alive)
}

func (e *portableStreams) close() {
	for _, s := range e.streams {
		if s.conn != nil {
			_ = s.conn.Close() // nothing is buffered: there is nothing to lose
		}
	}
}
