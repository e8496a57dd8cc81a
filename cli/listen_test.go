package cli

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

func TestLocalhostIsBothLoopbackAddresses(t *testing.T) {
	if probe, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Logf("no IPv6 on this machine: %v", err)
	} else {
		probe.Close()
		bound, err := listen("localhost:0", slog.New(slog.DiscardHandler))
		if err != nil || len(bound) != 2 {
			t.Fatal(bound, err)
		}
		_, four, _ := net.SplitHostPort(bound[0].Addr().String())
		host, six, _ := net.SplitHostPort(bound[1].Addr().String())
		if four != six || host != "::1" || bound.addr() != "127.0.0.1:"+four {
			t.Errorf("%v and %v", bound[0].Addr(), bound[1].Addr())
		}
		var log bytes.Buffer // the same port again: 127.0.0.1 is taken, which is an error
		if _, err := listen("localhost:"+four, slog.New(slog.NewTextHandler(&log, nil))); err == nil {
			t.Error("a port was taken twice")
		}
		if err := bound[0].Close(); err != nil { // and if only ::1 is taken, that is told
			t.Fatal(err)
		}
		again, err := listen("localhost:"+four, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil || len(again) != 1 || !strings.Contains(log.String(), "listening on 127.0.0.1 only") {
			t.Errorf("%v %v: %s", again, err, log.String())
		}
		if err := bound.close(); err != nil {
			t.Error(err)
		}
		if err := again.close(); err != nil {
			t.Error(err)
		}
	}
	one, err := listen("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil || len(one) != 1 {
		t.Fatal(one, err)
	}
	one.close()
}
