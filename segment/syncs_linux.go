package segment

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileSystem is the one that a data folder is on.
type fileSystem struct {
	root *os.File // open for as long as the process: the kernel tells failures to who had it open when they happened
	dev  uint64
}

// newWholeSync uses syncfs where that may be relied on: before Linux 5.8 it hides what writing back failed at, and not
// every file system carries it out.
func newWholeSync(root string) wholeSync {
	if !isLinuxFrom(5, 8) {
		return noWholeSync{}
	}
	dir, err := os.Open(filepath.Clean(root))
	if err != nil {
		return noWholeSync{}
	}
	var st unix.Stat_t
	var kind unix.Statfs_t
	if unix.Fstat(int(dir.Fd()), &st) != nil || unix.Fstatfs(int(dir.Fd()), &kind) != nil ||
		!isSyncedWhole(int64(kind.Type)) { //nolint:unconvert // narrower on some processors
		_ = dir.Close() // opened for reading
		return noWholeSync{}
	}
	return &fileSystem{root: dir, dev: st.Dev}
}

func isLinuxFrom(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var a, b int
	n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b) // n says how far it came
	return n == 2 && (a > major || a == major && b >= minor)
}

func isSyncedWhole(kind int64) bool {
	switch kind {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC:
		return true
	}
	return false
}

func (w *fileSystem) covers(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Dev == w.dev
}

func (w *fileSystem) coversName(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Dev == w.dev
}

func (w *fileSystem) sync() error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(w.root.Fd())))
}

// readCached reads what the page cache has, from off on, without waiting for a disk; 0 also where that can't be asked.
func readCached(f *os.File, p []byte, off int64) int {
	if len(p) == 0 {
		return 0
	}
	n, err := unix.Preadv2(int(f.Fd()), [][]byte{p}, off, unix.RWF_NOWAIT)
	if err != nil { // EAGAIN: none of it; or the file system can't tell
		return 0
	}
	return n
}
