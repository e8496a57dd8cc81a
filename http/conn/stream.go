package conn

import (
	"context"
	"net"
	"sync"

	"flashq/budget"
)

// Streams are the connections whose answers go on and on: their goroutines are not the server's, so they are counted
// here. The zero value is ready, and may be used by any number of goroutines.
type Streams struct {
	mu     sync.Mutex
	open   map[net.Conn]*Stream
	closed bool          // no new one stays open
	none   chan struct{} // closed when there is none any more; nil: nobody waits for that
}

// Stream is one of them. It belongs to the goroutine that writes.
type Stream struct {
	net.Conn

	of      *Streams
	revoked <-chan struct{}
	sent    int64            // bytes that were written
	closed  func(sent int64) // called by Close; nil: nobody wants to know. Set before the stream's goroutine runs
}

// Add counts a connection until it is closed. A peer that is slow to take something is not waited for any more when
// revoked is closed.
func (s *Streams) Add(c net.Conn, revoked <-chan struct{}) *Stream {
	stream := &Stream{Conn: c, of: s, revoked: revoked}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[net.Conn]*Stream{}
	}
	s.open[c] = stream
	if s.closed {
		_ = c.Close() // what is written fails, which ends the stream
	}
	return stream
}

// WhenClosed has closed called when the stream of a connection ends, with the bytes that were written to it. It is
// called before the stream's goroutine runs.
func (s *Streams) WhenClosed(c net.Conn, closed func(sent int64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream := s.open[c]; stream != nil {
		stream.closed = closed
	}
}

// Write implements net.Conn.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.sent += int64(n)
	return n, err
}

// Close implements net.Conn.
func (s *Stream) Close() error {
	err := s.Conn.Close()
	if s.closed != nil {
		s.closed(s.sent)
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.open, s.Conn)
	if len(s.of.open) == 0 && s.of.none != nil {
		close(s.of.none)
		s.of.none = nil
	}
	return err
}

// Send writes p, for which a part of a budget is held. waits, which may be nil, is told at each look at a peer that is
// slow whether it has taken anything since the last one.
func (s *Stream) Send(p []byte, of *budget.Budget, waits func(took bool)) error {
	if c := patientOf(s.Conn); c != nil {
		c.answers, c.waits, c.revoked = of, waits, s.revoked
		defer func() { c.answers, c.waits, c.revoked = nil, nil, nil }()
	}
	_, err := s.Write(p)
	return err
}

// Unsent tells how many bytes that were sent the peer's machine has not taken yet; known is false where nobody knows.
func (s *Stream) Unsent() (n int, known bool) {
	if c := patientOf(s.Conn); c != nil {
		return unsent(c.Conn)
	}
	return 0, false
}

// CloseAll closes those that are open, and who comes later: one that waits for its peer to take something does not see
// that the server ends.
func (s *Streams) CloseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		_ = c.Close() // its goroutine does the rest
	}
}

// Wait waits until there is none, or ctx ends.
func (s *Streams) Wait(ctx context.Context) error {
	s.mu.Lock()
	if len(s.open) == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.none == nil {
		s.none = make(chan struct{})
	}
	none := s.none
	s.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
