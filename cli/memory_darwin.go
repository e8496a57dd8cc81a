package cli

import "golang.org/x/sys/unix"

// usableMemory is the machine's RAM, 0 where that is unknown.
func usableMemory() int64 {
	total, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(total)
}
