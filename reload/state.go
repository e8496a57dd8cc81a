package reload

import (
	"crypto/sha256"
	"io"
	"os"
)

// mostRead is the size up to which a file is compared by what it holds. A larger one is by its identity, size and time.
const mostRead = 1 << 20

// state is how files were at a look, in their order.
type state []fileState

// fileState is of one file, after all links: Kubernetes changes what a link names.
type fileState struct {
	trouble string // why it could not be read
	sum     [sha256.Size]byte
	large   os.FileInfo // nil: sum says it all
}

func look(files []string) state {
	all := make(state, len(files))
	for i, name := range files {
		if err := all[i].read(name); err != nil {
			all[i] = fileState{trouble: err.Error()}
		}
	}
	return all
}

func (s *fileState) read(name string) error {
	about, err := os.Stat(name) // first: a pipe would block
	if err != nil {
		return err
	}
	if about.Size() > mostRead || !about.Mode().IsRegular() {
		s.large = about
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	sum.Sum(s.sum[:0])
	return nil
}

func (s state) same(other state) bool {
	if len(s) != len(other) {
		return false
	}
	for i := range s {
		if !s[i].same(&other[i]) {
			return false
		}
	}
	return true
}

func (s *fileState) same(other *fileState) bool {
	a, b := s.large, other.large
	if a != nil && b != nil {
		return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
	}
	return (a == nil) == (b == nil) && s.trouble == other.trouble && s.sum == other.sum
}
