package drive

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
)

// ProcessMemory is what a process has in memory, in bytes; pid 0 is this process. ok is false where that is not known.
func ProcessMemory(pid int) (bytes int64, ok bool) {
	name := "self"
	if pid != 0 {
		name = strconv.Itoa(pid)
	}
	f, err := os.Open("/proc/" + name + "/status")
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }() // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, found := residentLine(lines.Bytes()); found {
			return kib << 10, true
		}
	}
	return 0, false
}

// residentLine reads a line such as "VmRSS:     1234 kB".
func residentLine(line []byte) (kib int64, found bool) {
	fields := bytes.Fields(line)
	if len(fields) < 2 || string(fields[0]) != "VmRSS:" {
		return 0, false
	}
	kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return kib, err == nil
}
