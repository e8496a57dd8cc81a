package segment

import (
	"errors"
	"strings"
)

// ReadFile reads a small file whole.
func ReadFile(fs FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	p := make([]byte, size)
	if err == nil {
		err = readFull(f, p, 0)
	}
	return p, errors.Join(err, f.Close())
}

// WriteFile replaces a small file as one step: a new file under another name, then a rename. With sync the content and
// the folder are durable when it returns.
func WriteFile(fs FS, dir, name string, data []byte, sync bool) error {
	target := strings.TrimPrefix(dir+"/"+name, "/")
	temp := target + ".tmp"
	if err := overwrite(fs, temp, data, sync); err != nil {
		return err
	}
	if err := fs.Rename(temp, target); err != nil || !sync {
		return err
	}
	return fs.SyncDir(dir)
}

// overwrite makes data the whole content of a file, in place.
func overwrite(fs FS, name string, data []byte, sync bool) error {
	f, err := fs.Create(name)
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(data, 0)
	}
	if err == nil && sync {
		err = synced(f.Sync())
	}
	return errors.Join(err, f.Close())
}
