package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrLocked is returned for a data folder that another process has open.
var ErrLocked = errors.New("locked")

// Lock keeps a second broker out of a data folder for as long as it is held. The kernel lets go of it when the process
// ends, however it ends.
type Lock struct{ file *os.File }

// LockFolder takes <dir>/.lock; held by another process, the error names its pid.
func LockFolder(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = tryLock(f)
	if errors.Is(err, errLocked) {
		text, _ := io.ReadAll(io.LimitReader(f, 20))
		err = fmt.Errorf("data folder %s is %w by pid %s", dir, ErrLocked, strings.TrimSpace(string(text)))
	}
	if err == nil {
		err = notePID(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{file: f}, nil
}

// notePID writes whose lock it is. On a full disk nobody is told, and the lock holds all the same.
func notePID(f *os.File) error {
	pid := []byte(strconv.Itoa(os.Getpid()) + "\n")
	_, err := f.WriteAt(pid, 0)
	if err == nil {
		err = f.Truncate(int64(len(pid)))
	}
	if IsNoSpace(err) {
		return nil
	}
	return err
}

// Release lets go. The file stays: removing it would let two brokers lock two files of the same name.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
