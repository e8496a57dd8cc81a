//go:build unix

package reload

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups gives each SIGHUP from now on, until silence is called: then the signal does again what it did before.
func hangups() (hup <-chan os.Signal, silence func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
