//go:build unix

package auth

import (
	"errors"
	"os"
	"syscall"
)

// inherit gives a new file the owner and the mode of the one before: the broker that reads it may be another user. Who
// may not give a file away leaves it his, and then the broker says that it can't read it.
func inherit(temp *os.File, before os.FileInfo) error {
	if of, ok := before.Sys().(*syscall.Stat_t); ok {
		_ = temp.Chown(int(of.Uid), int(of.Gid)) // the best that can be done
	}
	return temp.Chmod(before.Mode().Perm())
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// othersMay tells whether a mode lets more users read than the owner.
func othersMay(mode os.FileMode) bool { return mode.Perm()&0o077 != 0 }
