//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// ignoreFileSize makes a limit of the size of files a write error, not a crash.
func ignoreFileSize() { signal.Ignore(syscall.SIGXFSZ) }

// othersMayRead tells whether somebody but a file's owner may read it.
func othersMayRead(about os.FileInfo) bool { return about.Mode().Perm()&0o077 != 0 }
