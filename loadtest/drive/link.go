package drive

import (
	"context"
	"net"
	"time"
)

// linkBuffer is what a link reads at once at most.
const linkBuffer = 16 << 10

// link is one connection. A goroutine of its own reads from it, so that its end is known while nothing is asked, too;
// all else belongs to one worker.
type link struct {
	conn   net.Conn
	chunks chan []byte   // what has come; closed at the end
	taken  chan struct{} // the last chunk may be overwritten
	held   bool          // it may not yet
	err    error         // of the end, once chunks is closed
}

func newLink(c net.Conn) *link {
	l := &link{conn: c, chunks: make(chan []byte), taken: make(chan struct{})}
	go l.read()
	return l
}

func (l *link) read() {
	defer close(l.chunks)
	buf := make([]byte, linkBuffer)
	for {
		n, err := l.conn.Read(buf)
		if n > 0 {
			l.chunks <- buf[:n]
			if _, open := <-l.taken; !open {
				return
			}
		}
		if err != nil {
			l.err = err
			return
		}
	}
}

// next is what comes next, valid until release.
func (l *link) next(ctx context.Context, late <-chan time.Time) ([]byte, error) {
	select {
	case b, open := <-l.chunks:
		if !open {
			return nil, l.err
		}
		l.held = true
		return b, nil
	case <-late:
		return nil, errLate
	case <-ctx.Done():
		return nil, errStopped
	}
}

// release gives the last chunk back.
func (l *link) release() {
	if l.held {
		l.held = false
		l.taken <- struct{}{}
	}
}

// ended tells whether the server has ended the connection, or says what nobody asked for.
func (l *link) ended() bool {
	select {
	case <-l.chunks:
		return true
	default:
		return false
	}
}

// hangUp ends the connection and its goroutine.
func (l *link) hangUp() {
	_ = l.conn.Close() // nothing is buffered: there is nothing to lose
	close(l.taken)
	for range l.chunks { // what nobody took
	}
}
