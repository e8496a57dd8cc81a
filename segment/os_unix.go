//go:build unix

package segment

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is the error of tryLock where another process holds the lock.
var errLocked error = syscall.EWOULDBLOCK

// tryLock locks a file for as long as it is open.
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// What says that there is no room on the disk, and that there is no descriptor for a new file.
var (
	diskFull      = []error{syscall.ENOSPC, syscall.EDQUOT}
	noDescriptors = []error{syscall.EMFILE, syscall.ENFILE}
)

func openFile(path string, flag int) (*os.File, error) { return os.OpenFile(path, flag, 0o644) }

// syncDir makes the entries of a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
