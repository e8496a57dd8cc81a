package drive

import (
	"syscall"
	"time"
	"unsafe"
)

// ProcessCPU is the user and system time that a process has used, in nanoseconds where /proc/<pid>/stat counts ticks
// of 10 ms, its ended threads included; pid 0 is this process. ok is false where there is no such process.
func ProcessCPU(pid int) (used time.Duration, ok bool) {
	// The kernel's id for the CPU clock of any process, as clock_getcpuclockid(3) makes it.
	const schedClock = 2
	clock := int32(^pid<<3 | schedClock)
	var ts syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano()), errno == 0
}
