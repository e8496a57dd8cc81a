package http

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// AccessLog takes lines without ever keeping who writes one waiting: they are copied into memory, of which there is a
// bounded amount, and one goroutine writes them out. A line that there is no room for is dropped, and counted; another
// goroutine tells of it, as the one that writes may be stuck in that.
type AccessLog struct {
	// set before use
	path  string
	log   *slog.Logger // of what goes wrong
	wake  chan struct{}
	ended chan struct{} // closed when the goroutine that writes has ended
	lost  chan struct{} // lines were dropped that the log was not told of
	done  chan struct{} // closed by Close
	told  chan struct{} // closed when the log was told of all

	dropped atomic.Int64

	mu      sync.Mutex
	pending []byte
	closed  bool
	reopen  bool

	// owned by the goroutine that writes
	out     io.Writer
	writing []byte
	failing bool
}

const (
	// mostPending bounds the lines that are not written yet, in bytes; twice that is held while some are written.
	mostPending = 1 << 20
	// tellEvery is how often the log is told of dropped lines.
	tellEvery = 10 * time.Second
)

// OpenAccessLog opens a log that is appended to: a file, or what "-" stands for.
func OpenAccessLog(path string, dash io.Writer, log *slog.Logger) (*AccessLog, error) {
	l := &AccessLog{
		path: path, log: log, out: dash, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		lost: make(chan struct{}, 1), done: make(chan struct{}), told: make(chan struct{}),
	}
	if path != "-" {
		out, err := l.open()
		if err != nil {
			return nil, err
		}
		l.out = out
	}
	go l.run()
	go l.tell()
	return l, nil
}

func (l *AccessLog) open() (io.Writer, error) {
	f, err := openLog(l.path)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return f, nil
}

// Write takes a line; it never fails.
func (l *AccessLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	if l.closed || len(l.pending)+len(line) > mostPending {
		l.mu.Unlock()
		l.drop(1)
		return len(line), nil
	}
	l.pending = append(l.pending, line...)
	l.mu.Unlock()
	poke(l.wake)
	return len(line), nil
}

func (l *AccessLog) drop(lines int) {
	l.dropped.Add(int64(lines))
	poke(l.lost)
}

// poke wakes who waits, or will.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Dropped is how many lines were not written.
func (l *AccessLog) Dropped() int64 { return l.dropped.Load() }

// Reopen goes on in a new file of the same name: the old one has been moved away.
func (l *AccessLog) Reopen() {
	l.mu.Lock()
	l.reopen = true
	l.mu.Unlock()
	poke(l.wake)
}

// closePatience is how long the last lines may take.
const closePatience = time.Second

// Close writes what is left, as far as that goes at once, and tells of what does not. It is called once.
func (l *AccessLog) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	poke(l.wake)
	await(l.ended, closePatience)
	close(l.done)
	await(l.told, closePatience)
}

func await(end <-chan struct{}, patience time.Duration) {
	select {
	case <-end:
	case <-time.After(patience):
	}
}

func (l *AccessLog) run() {
	defer close(l.ended)
	for range l.wake {
		l.mu.Lock()
		l.writing, l.pending = l.pending, l.writing[:0]
		closed, reopen := l.closed, l.reopen
		l.reopen = false
		l.mu.Unlock()
		l.write()
		if reopen {
			l.turn()
		}
		if closed {
			l.shut()
			return
		}
	}
}

// write writes what is there. What can't be written is dropped: another try would keep all later lines waiting.
func (l *AccessLog) write() {
	if len(l.writing) == 0 {
		return
	}
	n, err := l.out.Write(l.writing)
	if err == nil {
		l.failing = false
		return
	}
	l.drop(bytes.Count(l.writing[n:], []byte{'\n'}))
	if !l.failing {
		l.log.Warn("the access log can't be written", "path", l.path, "error", err)
	}
	l.failing = true
}

// turn opens the file anew; where that fails, the old one goes on.
func (l *AccessLog) turn() {
	if l.path == "-" {
		return
	}
	out, err := l.open()
	if err != nil {
		l.log.Warn("the access log goes on in its old file", "error", err)
		return
	}
	l.shut()
	l.out = out
}

// shut closes a file.
func (l *AccessLog) shut() {
	if f, ok := l.out.(io.Closer); ok && l.path != "-" {
		if err := f.Close(); err != nil {
			l.log.Warn("the access log did not close well", "path", l.path, "error", err)
		}
	}
}

// tell tells the log of lines that were dropped, soon and then rarely. It is a goroutine of its own.
func (l *AccessLog) tell() {
	defer close(l.told)
	var known int64
	for ended := false; !ended; {
		select {
		case <-l.lost:
		case <-l.done:
			ended = true
		}
		if dropped := l.dropped.Load(); dropped > known {
			l.log.Warn("lines of the access log were dropped", "dropped", dropped-known)
			known = dropped
		}
		select {
		case <-time.After(tellEvery):
		case <-l.done:
		}
	}
}
