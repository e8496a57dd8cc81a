package http

import (
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"
)

// crowdedListener has no descriptor for the first few connections.
type crowdedListener struct {
	net.Listener

	refused int
}

func (l *crowdedListener) Accept() (net.Conn, error) {
	if l.refused > 0 {
		l.refused--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A flood of connections that takes the last descriptor must not be the end of the broker.
func TestAcceptingGoesOnWhenDescriptorsRunOut(t *testing.T) {
	ln := fasthttputil.NewInmemoryListener()
	dialled := make(chan error, 1)
	go func() {
		c, err := ln.Dial()
		if err == nil {
			err = c.Close()
		}
		dialled <- err
	}()
	l := patientListener{&crowdedListener{Listener: ln, refused: 2}, slog.New(slog.DiscardHandler)}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-dialled; err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
