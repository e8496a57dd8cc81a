package drive

import (
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// state is what a connection is about.
type state uint8

const (
	down       state = iota // there is none
	connecting              // a request waits for it
	idle                    // nothing is asked
	busy                    // a request is written, or its answer awaited
	resting                 // the server asked to come back later, or a request has failed
)

// wire is one keep-alive connection. It belongs to one loop.
type wire struct {
	number  int // of all the driver's connections
	fd      int
	state   state
	meant   int64  // when the request was to be sent
	since   int64  // of the state
	wake    int64  // the end of a rest
	request []byte // kept for a repeat
	unsent  []byte // its rest
	broken  bool   // the server has hung up; it may have answered before
	in      reader

	repeats  int // of this request
	failures int // in a row
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

func (w *wire) close() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd) // nothing is buffered: there is nothing to lose
	}
	w.fd, w.state, w.broken, w.unsent = -1, down, false, nil
	w.in.reset()
}

// errHungUp is a connection that ended where an answer was awaited.
var errHungUp = fmt.Errorf("read: %w", io.EOF)
