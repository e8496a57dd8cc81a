package drive

import (
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// state is what a wire does. Whether it has a connection is another matter.
type state uint8

const (
	idle       state = iota // nothing is asked
	connecting              // a request waits for the connection
	awaiting                // a request is being written, or its answer awaited
	repeating               // the server asked to come back later: the request goes out again after a rest
	recovering              // a request has failed: nothing is asked before the rest is over
)

// wire is one keep-alive connection, made when a request needs it. It belongs to one loop.
type wire struct {
	exchange

	fd     int // -1 without a connection
	state  state
	since  int64  // when the request was last sent
	wake   int64  // the end of a rest
	unsent []byte // the rest of the request
	broken bool   // the server has hung up; it may have answered before
	in     reader
}

// send writes as much of the request as there is room for.
func (w *wire) send() {
	for len(w.unsent) > 0 {
		n, errno := write(w.fd, w.unsent)
		switch {
		case errno == syscall.EAGAIN:
			return
		case errno != 0:
			w.broken, w.unsent = true, nil
		default:
			w.unsent = w.unsent[n:]
		}
	}
}

// receive reads into buf what has come; done says that the answer is whole. Where the server has hung up, it reads to
// the end: nothing more will be told.
func (w *wire) receive(buf []byte) (done bool, err error) {
	for {
		n, errno := read(w.fd, buf)
		switch {
		case errno == syscall.EAGAIN:
			return false, nil
		case errno != 0:
			return false, fmt.Errorf("read: %w", errno)
		case n == 0:
			return false, fmt.Errorf("read: %w", w.in.ended())
		}
		if done, err := w.in.feed(buf[:n]); done || err != nil {
			return done, err
		}
		if n < len(buf) && !w.broken { // what comes later is told
			return false, nil
		}
	}
}

// hangUp ends the connection; what the wire does is as it was.
func (w *wire) hangUp() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd) // nothing is buffered: there is nothing to lose
	}
	w.fd, w.broken, w.unsent = -1, false, nil
	w.in.reset()
}

// errHungUp is a connection that ended where an answer was awaited.
var errHungUp = fmt.Errorf("read: %w", io.EOF)
