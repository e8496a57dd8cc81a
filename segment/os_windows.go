package segment

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// errLocked is the error of tryLock where another process holds the lock.
var errLocked error = windows.ERROR_LOCK_VIOLATION

// tryLock locks a file for as long as it is open. Windows keeps others from reading what is locked, so that is a byte far
// beyond the pid that stands in the file.
func tryLock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
}

// What says that there is no room on the disk, and that there is no handle for a new file; the last two of each are
// Go's own numbers.
var (
	diskFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED,
		syscall.ENOSPC, syscall.EDQUOT}
	noDescriptors = []error{windows.ERROR_TOO_MANY_OPEN_FILES, syscall.EMFILE, syscall.ENFILE}
)

// openFile lets a file be removed while it is open, as everywhere else: os.OpenFile does not. It knows the flags that
// OS uses.
func openFile(path string, flag int) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	mode := uint32(windows.OPEN_EXISTING)
	if flag&os.O_CREATE != 0 {
		mode = windows.OPEN_ALWAYS
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, share, nil, mode,
		windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// syncDir has nothing to do: Windows can't sync a folder, and NTFS keeps a journal of its entries.
func syncDir(string) error { return nil }
