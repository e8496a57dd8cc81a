//go:build unix

package reload

import (
	"log/slog"
	"syscall"
	"testing"
	"time"
)

func TestSIGHUPReachesAWatch(t *testing.T) {
	loads := make(chan struct{}, 2)
	stop, err := Watch{What: "x", Logger: slog.New(slog.DiscardHandler), Every: time.Hour, Load: func() error {
		loads <- struct{}{}
		return nil
	}}.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	<-loads // at the start
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-loads:
	case <-time.After(10 * time.Second):
		t.Error("SIGHUP loaded nothing")
	}
}
