package metrics

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is in what /proc counts time, on every machine that Linux runs on.
const ticksPerSecond = 100

// processFigures reads what /proc says; what can't be read stays away.
func processFigures() (all []processFigure) {
	if stat, err := os.ReadFile("/proc/self/stat"); err == nil {
		all = statFigures(stat, bootTime())
	}
	if fds, err := countFiles("/proc/self/fd"); err == nil {
		all = append(all, processFigure{openFDs, float64(fds)})
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		all = append(all, processFigure{maxFDs, float64(limit.Cur)})
	}
	return all
}

// statFigures takes /proc/self/stat apart: proc(5) numbers its fields from 1, of which 3 is the first one after the
// name, which may have any signs.
func statFigures(stat []byte, boot float64) []processFigure {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	field := func(n int) float64 {
		if n-3 >= len(fields) {
			return 0
		}
		v, _ := strconv.ParseFloat(fields[n-3], 64)
		return v
	}
	return []processFigure{
		{cpuTime, (field(14) + field(15)) / ticksPerSecond},
		{startTime, boot + field(22)/ticksPerSecond},
		{virtual, field(23)},
		{resident, field(24) * float64(os.Getpagesize())},
	}
}

// bootTime is when the machine started, seconds since 1970.
func bootTime() float64 {
	stat, _ := os.ReadFile("/proc/stat")
	_, rest, _ := bytes.Cut(stat, []byte("\nbtime "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	v, _ := strconv.ParseFloat(string(line), 64)
	return v
}

// countFiles counts without keeping names.
func countFiles(dir string) (n int, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = d.Close() }() // was only read
	for {
		names, err := d.Readdirnames(1000)
		n += len(names)
		if err != nil {
			return n - 1, nil //nolint:nilerr // the end; less the one for reading
		}
	}
}
