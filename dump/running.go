package dump

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// isOurs tells whether a file is in a partition folder of a data folder that FlashQ made.
func isOurs(path string) bool {
	_, err := os.Stat(filepath.Join(dataDir(path), "flashq.version"))
	return err == nil
}

func dataDir(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return filepath.Dir(filepath.Dir(path))
}

// isOpen tells whether a log is the last of its folder, and a broker has that open. The lock is not asked: a look that
// holds it could be in the way of a broker that starts.
func isOpen(path string) bool {
	if !isOurs(path) || !isLast(path) {
		return false
	}
	if _, err := os.Stat(filepath.Join(dataDir(path), "flashq.clean")); err == nil {
		return false // it was closed
	}
	text, err := os.ReadFile(filepath.Join(dataDir(path), ".lock"))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && pid > 0 && isAlive(pid)
}

func isAlive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil || runtime.GOOS == "windows" { // there, finding it is knowing it
		return err == nil
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// isLast tells whether no log of the folder begins after the segment that a file is of.
func isLast(path string) bool {
	entries, err := os.ReadDir(filepath.Dir(path))
	segment, _, _ := strings.Cut(filepath.Base(path), ".")
	for _, e := range entries {
		if base, isLog := strings.CutSuffix(e.Name(), ".log"); isLog && base > segment {
			return false
		}
	}
	return err == nil
}
