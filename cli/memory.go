package cli

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// defaultMemory is half of what this process may use: the container's limit, else the machine's RAM.
func defaultMemory() int64 {
	const fallback = 1 << 30
	total := int64(2 * fallback)
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err == nil {
		total = int64(info.Totalram) * int64(info.Unit)
	}
	if limit := cgroupLimit(); limit > 0 {
		total = min(total, limit)
	}
	return total / 2
}

// cgroupLimit is memory.max of this process's own cgroup (version 2) or the root's, 0 without one.
func cgroupLimit() int64 {
	dirs := []string{"/sys/fs/cgroup"}
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(text)) {
			if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
				dirs = append(dirs, "/sys/fs/cgroup"+own)
			}
		}
	}
	limit := int64(0)
	for _, dir := range dirs {
		text, err := os.ReadFile(dir + "/memory.max")
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit
}
