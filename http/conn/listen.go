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

// run counts until stop is closed.
func (s *seconds) run(stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.count.Add(1)
		case <-stop:
			return
		}
	}
}

// Listen gives a listener whose connections look after their deadlines and have their address's share, until stop is
// called.
func Listen(ln net.Listener, log *slog.Logger, shares *Shares) (patient net.Listener, stop func()) {
	clock, ended := new(seconds), make(chan struct{})
	go clock.run(ended)
	return patientListener{ln, log, clock, shares}, func() { close(ended) }
}

// Patient gives one connection that sets its deadlines once: for what is served without a listener.
func Patient(c net.Conn) net.Conn { return newPatientConn(c, new(seconds)) }

// patientListener gives connections that look after their deadlines themselves.
type patientListener struct {
	net.Listener

	log     *slog.Logger
	seconds *seconds
	shares  *Shares
}

// acceptPause is how long accepting waits when the process has no room for another connection.
const acceptPause = 100 * time.Millisecond

// Accept implements net.Listener. fasthttp takes most errors for the end of the server, but too many connections are
// not one: those that are open go on, and the next one is taken when some have closed.
func (l patientListener) Accept() (net.Conn, error) {
	for told := false; ; told = true {
		c, err := l.Listener.Accept()
		if err == nil {
			p := newPatientConn(c, l.seconds)
			p.share, p.leave = l.shares.enter(c.RemoteAddr())
			return p, nil
		}
		if !isCrowded(err) {
			return nil, err
		}
		if !told {
			l.log.Warn("no room for another connection", "error", err)
		}
		time.Sleep(acceptPause)
	}
}

// isCrowded tells that the process or the machine is out of descriptors or buffers for now.
func isCrowded(err error) bool {
	return slices.ContainsFunc(crowdErrors, func(crowd error) bool { return errors.Is(err, crowd) })
}
