package drive

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Watcher sees what comes on streams, answers that don't end. Its methods are called one at a time.
type Watcher interface {
	// Take gets the next piece of a stream's body, which is valid for this call alone.
	Take(stream int, piece []byte, now int64, t *Tally)
	// Over tells that nothing more is awaited, which ends the phase. It is asked now and then.
	Over(now int64) bool
}

// StreamsConfig says what streams are opened.
type StreamsConfig struct {
	Address  string      // host:port
	TLS      *tls.Config // as of Config
	PID      int         // of the server, to know its CPU time; zero: unknown
	Streams  int
	Timeout  time.Duration // of the beginning of an answer
	Portable bool          // what other systems have to do with, on Linux too
	Request  func(stream int) []byte
	Watcher  Watcher
}

const (
	// opening is how many streams are opened at a time: fewer than a server's queue of connections holds.
	opening = 256
	// overEvery is how often a watcher is asked whether all is over.
	overEvery = 20 * time.Millisecond
)

// OpenStreams opens all streams, which have been answered with 2xx when it returns. A phase of the driver reads from
// them; a stream that ends is counted as a failure, and is not opened again.
func OpenStreams(ctx context.Context, c StreamsConfig) (*Driver, error) {
	to, err := resolve(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	open := openStreams
	if c.Portable || c.TLS != nil {
		open = openPortableStreams
	}
	e, err := open(ctx, c, to)
	if err != nil {
		return nil, err
	}
	return &Driver{engine: e, pid: c.PID}, nil
}

// ended counts a stream that is no more; with the last one the phase is over.
func (p *Phase) ended(t *Tally, err error, left int) {
	t.Note("stream ended", err.Error())
	if left == 0 {
		p.abandon(fmt.Errorf("all streams have ended, the last one: %w", err))
	}
}

// errStreamEnded is a stream whose server said that it is over.
var errStreamEnded = errors.New("the server ended the stream")

// stream is an answer without end. It keeps no body.
type stream struct {
	number int
	open   bool    // the head has come, with 2xx
	head   []byte  // what has come of it
	chunks *chunks // nil: the body ends with the connection
}

// feed takes what has come; take gets what is body.
func (s *stream) feed(b []byte, take func(piece []byte)) error {
	if !s.open {
		s.head = append(s.head, b...)
		end := bytes.Index(s.head, []byte("\r\n\r\n")) + 4
		if end < 4 {
			if len(s.head) > headLimit {
				return fmt.Errorf("%w: its head is over %d bytes", ErrAnswer, headLimit)
			}
			return nil
		}
		h, err := parseHead(s.head[:end], true)
		if err != nil {
			return err
		}
		b = s.head[end:]
		if h.status/100 != 2 {
			return fmt.Errorf("%w: %s", ErrAnswer, Told(h.status, b))
		}
		if s.open, s.head = true, nil; h.chunked {
			s.chunks = &chunks{}
		}
	}
	if s.chunks != nil {
		return s.chunks.feed(b, take)
	}
	if len(b) > 0 {
		take(b)
	}
	return nil
}

// chunks takes the lengths out of a chunked body.
type chunks struct {
	left int64  // of the chunk, its line end included
	line []byte // of a length that came in pieces
}

func (c *chunks) feed(b []byte, take func(piece []byte)) error {
	for len(b) > 0 {
		if c.left == 0 {
			end := bytes.IndexByte(b, '\n')
			if end < 0 {
				if c.line = append(c.line, b...); len(c.line) > 64 {
					return fmt.Errorf("%w: a chunk's length is %q", ErrAnswer, c.line)
				}
				return nil
			}
			c.line = append(c.line, b[:end]...)
			b = b[end+1:]
			size, err := strconv.ParseUint(string(bytes.TrimRight(c.line, "\r")), 16, 31)
			if err != nil {
				return fmt.Errorf("%w: a chunk's length is %q", ErrAnswer, c.line)
			}
			if size == 0 {
				return errStreamEnded
			}
			c.left, c.line = int64(size)+2, c.line[:0]
			continue
		}
		n := min(c.left, int64(len(b)))
		if piece := b[:min(n, max(c.left-2, 0))]; len(piece) > 0 {
			take(piece)
		}
		c.left -= n
		b = b[n:]
	}
	return nil
}
