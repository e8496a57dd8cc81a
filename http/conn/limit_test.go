package conn

import (
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"
)

// Connections beyond the bound wait until one closes; closing twice makes room once; the end of the listener ends the
// wait.
func TestLimit(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := NewBound(2, slog.New(slog.DiscardHandler)).On(ln)
	for range 4 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	type result struct {
		conn net.Conn
		err  error
	}
	accepted := make(chan result)
	go func() {
		for {
			c, err := limited.Accept()
			accepted <- result{c, err}
			if err != nil {
				return
			}
		}
	}()
	first, second := <-accepted, <-accepted
	defer second.conn.Close()
	select {
	case <-accepted:
		t.Fatal("a third connection although two are open")
	case <-time.After(50 * time.Millisecond):
	}
	_ = first.conn.Close()
	_ = first.conn.Close()
	third := <-accepted
	defer third.conn.Close()
	select {
	case <-accepted:
		t.Fatal("closing twice made room for two")
	case <-time.After(50 * time.Millisecond):
	}
	_ = limited.Close()
	if last := <-accepted; !errors.Is(last.err, net.ErrClosed) {
		t.Errorf("accept after close: %v", last.err)
	}
}
