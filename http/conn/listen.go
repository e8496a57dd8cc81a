package conn

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// seconds counts them, coarsely: one goroutine looks at the clock for all connections.
type seconds struct{ count atomic.Int64 }

// run counts until stop is closed, and calls each so often.
func (s *seconds) run(stop <-chan struct{}, each func()) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.count.Add(1)
			each()
		case <-stop:
			return
		}
	}
}

// Listen gives a listener whose connections look after their deadlines and have their address's share, until stop is
// called. full gives the answer, head and body, to a client whose address has too many; nil: it is not told.
func Listen(ln net.Listener, log *slog.Logger, shares *Shares, full func() []byte) (patient net.Listener, stop func()) {
	clock, ended := new(seconds), make(chan struct{})
	l := newLot(ln, log, clock, shares, full)
	go clock.run(ended, l.used.look)
	return l, func() { close(ended) }
}

// Patient gives one connection that sets its deadlines once: for what is served without a listener.
func Patient(c net.Conn) net.Conn { return newPatientConn(c, new(seconds)) }

// acceptPause is how long accepting waits when the process has no room for another connection.
const acceptPause = 100 * time.Millisecond

// acceptOne takes a connection from the system. Too many of them are not the end: those that are open go on, and the
// next one is taken when some have closed.
func (l *lot) acceptOne() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err == nil || !isCrowded(err) {
			return c, err
		}
		if l.crowded.due() {
			l.log.Warn("no room for another connection", "error", err)
		}
		time.Sleep(acceptPause)
	}
}

// isCrowded tells that the process or the machine is out of descriptors or buffers for now.
func isCrowded(err error) bool {
	return slices.ContainsFunc(crowdErrors, func(crowd error) bool { return errors.Is(err, crowd) })
}
