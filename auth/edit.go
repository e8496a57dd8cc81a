package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var (
	// ErrExists is returned for a token that is there.
	ErrExists = errors.New("the token exists")
	// ErrUnknown is returned for a token that is not there.
	ErrUnknown = errors.New("there is no such token")
	// ErrLocked is returned while another process changes the file.
	ErrLocked = errors.New("the file is being changed")
)

// List gives the tokens of a file, by name.
func List(path string) ([]Entry, error) {
	f, _, err := read(path)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(f.Tokens, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return f.Tokens, nil
}

// Create adds a token of e's name, scopes and prefixes to a file, which is made if it is not there, and gives the
// secret, which is nowhere else, and the whole entry. With replace the name may be there already: its old secret is
// good no more, and what e leaves out stays as it was. Prefixes that are left out are every one.
func Create(path string, e Entry, replace bool) (secret string, made Entry, err error) {
	secret = newSecret()
	digest := sha256.Sum256([]byte(secret))
	e.SHA256, e.Made = hex.EncodeToString(digest[:]), time.Now().UTC().Truncate(time.Second)
	if e.SCRAM, err = newVerifier(secret); err != nil {
		return "", e, err
	}
	err = edit(path, true, func(f *file) error {
		i := f.find(e.Name)
		switch {
		case i < 0:
			e.fill(Entry{Topics: []string{""}, Groups: []string{""}})
			f.Tokens = append(f.Tokens, e)
		case !replace:
			return fmt.Errorf("%w: %s", ErrExists, e.Name)
		default:
			e.fill(f.Tokens[i])
			f.Tokens[i] = e
		}
		return nil
	})
	if err != nil {
		return "", e, err
	}
	return secret, e, nil
}

// fill takes what e leaves out from another entry.
func (e *Entry) fill(from Entry) {
	take := func(list *[]string, from []string) {
		if *list == nil {
			*list = from
		}
	}
	take(&e.Scopes, from.Scopes)
	take(&e.Topics, from.Topics)
	take(&e.Groups, from.Groups)
}

// Revoke takes a token out of a file.
func Revoke(path, name string) error {
	return edit(path, false, func(f *file) error {
		i := f.find(name)
		if i < 0 {
			return fmt.Errorf("%w: %s", ErrUnknown, clip(name))
		}
		f.Tokens = slices.Delete(f.Tokens, i, i+1)
		return nil
	})
}

func (f *file) find(name string) int {
	return slices.IndexFunc(f.Tokens, func(e Entry) bool { return e.Name == name })
}

// edit changes a file by itself: a lock keeps others away from the read to the write, and who reads meanwhile sees the
// old file or the new one.
func edit(path string, create bool, change func(f *file) error) (err error) {
	if linked, err := filepath.EvalSymlinks(path); err == nil {
		path = linked // a rename would replace the link
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	f, _, err := read(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		f, err = file{Version: version, Tokens: []Entry{}}, nil
	}
	if err != nil {
		return err
	}
	if err := change(&f); err != nil {
		return err
	}
	text, err := f.text()
	if err != nil {
		return err
	}
	if _, _, err := parse(text); err != nil {
		return err // nothing is written that would not be read
	}
	return replace(path, text)
}

// patience is how long a lock is waited for; whoever holds it needs milliseconds.
const patience = 5 * time.Second

// lock makes a file that can be made once.
func lock(path string) (unlock func() error, err error) {
	for until := time.Now().Add(patience); ; {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		switch {
		case err == nil:
			return func() error { return os.Remove(path) }, f.Close()
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		case time.Now().After(until):
			return nil, fmt.Errorf("%w: %s is there; if no flashq token runs, one was killed: remove that file", ErrLocked, path)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// replace writes a file at once and durably; it keeps the mode and the owner of the one before.
func replace(path string, text []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(text)
	if before, statErr := os.Stat(path); err == nil && statErr == nil {
		err = inherit(temp, before)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
