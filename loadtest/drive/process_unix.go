//go:build unix && !linux

package drive

import (
	"time"

	"golang.org/x/sys/unix"
)

// ProcessCPU is the user and system time that this process has used, for pid 0; ok is false for any other one, whose
// time this system tells nobody but its parent, when it has ended.
func ProcessCPU(pid int) (used time.Duration, ok bool) {
	var u unix.Rusage
	if pid != 0 || unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
