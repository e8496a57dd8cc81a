//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreFileSize makes a limit of the size of files a write error, not a crash.
func ignoreFileSize() { signal.Ignore(syscall.SIGXFSZ) }
