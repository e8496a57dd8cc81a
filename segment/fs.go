package segment

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"syscall"
)

// ErrNotExist is what Remove, Stat, Rename and OpenFile wrap when there is no such file.
var ErrNotExist = errors.New("file does not exist")

// ErrMemoryFull is returned by the memory FS when its limit is reached; nothing was written.
var ErrMemoryFull = errors.New("memory storage is full")

// FS is the storage seam: the OS below a root folder, or memory. Names are relative and use slashes. All methods may be
// called by any number of goroutines.
type FS interface {
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Create opens a file for reading and writing and makes it when it is not there.
	Create(name string) (File, error)
	Mkdir(name string) error // parents too; no error when it is there
	Rename(from, to string) error
	Remove(name string) error    // one file
	RemoveAll(name string) error // a folder with what is in it
	// ReadDir lists the names in a folder, sorted.
	ReadDir(name string) ([]string, error)
	Stat(name string) (Info, error)
	// SyncDir makes the entries of a folder durable.
	SyncDir(name string) error
}

// Info is what Stat tells.
type Info struct {
	Size    int64
	ModTime int64 // milliseconds
	Dir     bool
}

// File is one open file. One goroutine writes; any number read below what was written before they were told of it.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Adopter is a File that can keep a caller's memory instead of copying it.
type Adopter interface {
	// AdoptAt makes p the file's bytes at its end off. The memory of p belongs to the file from then on.
	AdoptAt(p []byte, off int64) error
}

// DirSyncer is a File that is made durable in one turn with the entries of the folder it is in.
type DirSyncer interface {
	SyncWithDir(dir string) error
}

// RoomTeller is an FS that knows how many bytes more there is room for: only on Linux.
type RoomTeller interface {
	Room() (int64, error)
}

// IsNoSpace tells whether a write failed for want of room only, so that it may be tried again.
func IsNoSpace(err error) bool {
	is := func(known error) bool { return errors.Is(err, known) }
	return is(ErrMemoryFull) || slices.ContainsFunc(diskFull, is)
}

// IsOutOfFiles tells whether an operation failed for want of a descriptor, the process's own or the machine's.
func IsOutOfFiles(err error) bool {
	return slices.ContainsFunc(noDescriptors, func(known error) bool { return errors.Is(err, known) })
}

// IsUntried tells whether an operation could not even begin: no descriptor or memory to open a file with, or an
// interrupt. Nothing was done that failed, so it may be tried again, a sync too.
func IsUntried(err error) bool {
	if IsOutOfFiles(err) {
		return true
	}
	var opening *fs.PathError
	return errors.As(err, &opening) && opening.Op == "open" &&
		(errors.Is(opening.Err, syscall.ENOMEM) || errors.Is(opening.Err, syscall.EINTR))
}

// MayRetry tells whether an operation may be tried again when there is room or a descriptor.
func MayRetry(err error) bool { return IsNoSpace(err) || IsUntried(err) }
