package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OS is the operating system's file system below a root folder.
type OS struct{ root string }

// NewOS makes root where it is not there yet.
func NewOS(root string) (OS, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return OS{}, err
	}
	return OS{root: root}, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (o OS) path(name string) string { return filepath.Join(o.root, filepath.FromSlash(name)) }

// notExist turns the OS's word for "not there" into ours and leaves every other error as it is.
func notExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotExist, err)
	}
	return err
}

func (o OS) open(name string, flag int) (File, error) {
	f, err := openFile(o.path(name), flag)
	if err != nil {
		return nil, notExist(err)
	}
	return osFile{f}, nil
}

// Open implements FS.
func (o OS) Open(name string) (File, error) { return o.open(name, os.O_RDWR) }

// Create implements FS.
func (o OS) Create(name string) (File, error) { return o.open(name, os.O_RDWR|os.O_CREATE) }

// Mkdir implements FS.
func (o OS) Mkdir(name string) error { return os.MkdirAll(o.path(name), 0o755) }

// Rename implements FS.
func (o OS) Rename(from, to string) error { return notExist(os.Rename(o.path(from), o.path(to))) }

// Remove implements FS.
func (o OS) Remove(name string) error { return notExist(os.Remove(o.path(name))) }

// RemoveAll implements FS.
func (o OS) RemoveAll(name string) error { return os.RemoveAll(o.path(name)) }

// ReadDir implements FS.
func (o OS) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(o.path(name))
	if err != nil {
		return nil, notExist(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Stat implements FS.
func (o OS) Stat(name string) (Info, error) {
	st, err := os.Stat(o.path(name))
	if err != nil {
		return Info{}, notExist(err)
	}
	return Info{Size: st.Size(), ModTime: st.ModTime().UnixMilli(), Dir: st.IsDir()}, nil
}

// SyncDir implements FS.
func (o OS) SyncDir(name string) error { return notExist(syncDir(o.path(name))) }
