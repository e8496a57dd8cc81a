//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreFileSizeLimit makes a file size limit a write error instead of a crash.
func ignoreFileSizeLimit() { signal.Ignore(syscall.SIGXFSZ) }
