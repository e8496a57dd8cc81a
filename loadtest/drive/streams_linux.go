package drive

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// streamLoop reads all streams from one thread.
type streamLoop struct {
	config  StreamsConfig
	to      target
	poll    *poller
	streams []wireStream
	alive   int // streams that were begun and have not ended
	buf     []byte
}

// wireStream is a stream with its socket.
type wireStream struct {
	stream
	fd     int    // -1 before it was begun, and after its end
	unsent []byte // of the request
}

func openStreams(ctx context.Context, c StreamsConfig, to target) (engine, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &streamLoop{config: c, to: to, poll: p, streams: make([]wireStream, c.Streams), buf: make([]byte, readSize)}
	for i := range l.streams {
		l.streams[i] = wireStream{stream: stream{number: i}, fd: -1}
	}
	if err := l.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// open begins some streams at a time and waits for all their heads.
func (l *streamLoop) open(ctx context.Context) error {
	tally := NewTally() // what comes before the first phase is not counted
	opened, progress := 0, Clock()
	for opened < len(l.streams) {
		for l.alive < len(l.streams) && l.alive-opened < opening {
			if err := l.begin(l.alive); err != nil {
				return fmt.Errorf("stream %d: %w", l.alive, err)
			}
		}
		events, err := l.poll.wait(Clock() + int64(overEvery))
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Fd == alarm {
				continue
			}
			s := &l.streams[e.Fd]
			was := s.open
			if err := l.news(s, e.Events, tally); err != nil {
				return fmt.Errorf("stream %d: %w", s.number, err)
			}
			if !was && s.open {
				opened, progress = opened+1, Clock()
			}
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped: %w", err)
		}
		if Clock()-progress > int64(l.config.Timeout) {
			return fmt.Errorf("%d of %d streams were opened, and no other one within %v: %w", opened, len(l.streams),
				l.config.Timeout, os.ErrDeadlineExceeded)
		}
	}
	return nil
}

func (l *streamLoop) begin(i int) error {
	fd, err := dial(l.to)
	if err != nil {
		return err
	}
	s := &l.streams[i]
	s.fd, s.unsent = fd, l.config.Request(i)
	l.alive++
	return l.poll.add(fd, int32(i))
}

// news is what the poller tells of a stream.
func (l *streamLoop) news(s *wireStream, events uint32, t *Tally) error {
	if s.fd < 0 {
		return nil
	}
	if len(s.unsent) > 0 && events&(unix.EPOLLOUT|unix.EPOLLERR) != 0 {
		if err := dialed(s.fd); err != nil {
			return err
		}
		n, errno := write(s.fd, s.unsent)
		if errno != 0 && errno != syscall.EAGAIN {
			return fmt.Errorf("write: %w", errno)
		}
		s.unsent = s.unsent[max(n, 0):]
	}
	const ends = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if events&(unix.EPOLLIN|ends) == 0 {
		return nil
	}
	return l.receive(s, events&ends != 0, t)
}

// receive reads what has come, of a stream that ends to its end.
func (l *streamLoop) receive(s *wireStream, ends bool, t *Tally) error {
	for {
		n, errno := read(s.fd, l.buf)
		switch {
		case errno == syscall.EAGAIN:
			return nil
		case errno != 0:
			return fmt.Errorf("read: %w", errno)
		case n == 0:
			return fmt.Errorf("read: %w", io.EOF)
		}
		now := Clock()
		err := s.feed(l.buf[:n], func(piece []byte) { l.config.Watcher.Take(s.number, piece, now, t) })
		if err != nil || n < len(l.buf) && !ends {
			return err
		}
	}
}

func (l *streamLoop) parts() int { return 1 }

func (l *streamLoop) run(_ context.Context, p *Phase, parts []*shared) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t := parts[0]
	for !p.over(Clock()) {
		events, err := l.poll.wait(Clock() + int64(overEvery))
		if err != nil {
			return err
		}
		t.Lock()
		for _, e := range events {
			if e.Fd == alarm {
				continue
			}
			if s := &l.streams[e.Fd]; s.fd >= 0 {
				if err := l.news(s, e.Events, &t.Tally); err != nil {
					l.hangUp(s)
					p.ended(&t.Tally, err, l.alive)
				}
			}
		}
		over := l.config.Watcher.Over(Clock())
		t.Unlock()
		if over {
			return nil
		}
	}
	return nil
}

func (l *streamLoop) hangUp(s *wireStream) {
	if s.fd >= 0 {
		_ = unix.Close(s.fd) // nothing is buffered: there is nothing to lose
		s.fd = -1
		l.alive--
	}
}

func (l *streamLoop) close() {
	for i := range l.streams {
		l.hangUp(&l.streams[i])
	}
	l.poll.close()
}
