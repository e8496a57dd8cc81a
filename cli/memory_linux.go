package cli

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// usableMemory is what this process may use of the machine's RAM, 0 where that is unknown.
func usableMemory() int64 {
	total, limit := int64(0), lowestLimit(cgroups())
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err == nil {
		total = int64(info.Totalram) * int64(info.Unit)
	}
	if limit > 0 && (total == 0 || limit < total) {
		return limit
	}
	return total
}

// cgroups are the folders of the root's and of this process's own cgroup (version 2).
func cgroups() []string {
	dirs := []string{"/sys/fs/cgroup"}
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(text)) {
			if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
				dirs = append(dirs, "/sys/fs/cgroup"+own)
			}
		}
	}
	return dirs
}

// lowestLimit is the smallest memory.max of some cgroups, 0 without one.
func lowestLimit(dirs []string) (limit int64) {
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
