package segment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
)

// OS is the operating system's file system below a root folder. What it asks of the kernel may block for as long as a
// disk hangs, and each call that blocks holds a thread: so each kind of call has a bound, and who finds none free waits
// in line without a thread.
type OS struct {
	root string
	*turns
}

// Limits bound what a file system takes of the process. A zero field takes DefaultLimits'.
type Limits struct {
	Files int // open at a time; without a bound where nothing is said
	Syncs int // at a time
	Reads int // at a time, of what is not in the page cache
}

// DefaultLimits are far below the 10,000 threads at which the runtime ends the process.
func DefaultLimits() Limits { return Limits{Files: math.MaxInt32, Syncs: 16, Reads: 64} }

// maxCalls is how many other calls run at a time: writes, and apart from them those that open, name and remove.
const maxCalls = 64

// spareFiles is how many of Limits.Files are kept for files that are made: a partition that rolls and a checkpoint go
// before readers.
const spareFiles = 4

// turns are the calls that run, and the files that are open.
type turns struct {
	files                atomic.Int64
	maxFiles             int64
	syncs                *syncs
	reads, writes, calls chan struct{}
}

// in takes a turn; the function that it gives ends it.
func in(line chan struct{}) (done func()) {
	line <- struct{}{}
	return func() { <-line }
}

// NewOS makes root where it is not there yet. The limits are DefaultLimits.
func NewOS(root string) (OS, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return OS{}, err
	}
	return OS{root: root}.Within(Limits{}), nil
}

// Within gives the same folder within other limits.
func (o OS) Within(l Limits) OS {
	d := DefaultLimits()
	return OS{root: o.root, turns: &turns{
		maxFiles: int64(cmp.Or(l.Files, d.Files)),
		syncs:    newSyncs(cmp.Or(l.Syncs, d.Syncs), newWholeSync(o.root)),
		reads:    make(chan struct{}, cmp.Or(l.Reads, d.Reads)),
		writes:   make(chan struct{}, maxCalls),
		calls:    make(chan struct{}, maxCalls),
	}}
}

type osFile struct {
	*os.File

	fs     OS
	closed atomic.Bool
}

func (f *osFile) Size() (int64, error) {
	defer in(f.fs.calls)()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// ReadAt implements io.ReaderAt: what the page cache has needs no turn.
func (f *osFile) ReadAt(p []byte, off int64) (n int, err error) {
	if n = readCached(f.File, p, off); n == len(p) {
		return n, nil
	}
	defer in(f.fs.reads)()
	more, err := f.File.ReadAt(p[n:], off+int64(n))
	return n + more, err
}

// WriteAt implements io.WriterAt.
func (f *osFile) WriteAt(p []byte, off int64) (int, error) {
	defer in(f.fs.writes)()
	return f.File.WriteAt(p, off)
}

// Truncate implements File.
func (f *osFile) Truncate(size int64) error {
	defer in(f.fs.calls)()
	return f.File.Truncate(size)
}

// Sync implements File.
func (f *osFile) Sync() error {
	return f.fs.syncs.run(f.fs.syncs.whole.covers(f.File), f.File.Sync)
}

// SyncWithDir implements DirSyncer: a sync of the whole file system that covers the file covers its folder.
func (f *osFile) SyncWithDir(dir string) error {
	return f.fs.syncs.run(f.fs.syncs.whole.covers(f.File), func() error {
		if err := f.File.Sync(); err != nil {
			return err
		}
		return notExist(syncDir(f.fs.path(dir)))
	})
}

// Close implements File.
func (f *osFile) Close() error {
	if !f.closed.Swap(true) {
		f.fs.files.Add(-1)
	}
	return f.File.Close()
}

func (o OS) path(name string) string { return filepath.Join(o.root, filepath.FromSlash(name)) }

// notExist turns the OS's word for "not there" into ours and leaves every other error as it is.
func notExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotExist, err)
	}
	return err
}

func (o OS) open(name string, flag, spare int) (File, error) {
	if o.files.Add(1) > o.maxFiles-int64(spare) {
		o.files.Add(-1)
		return nil, &fs.PathError{Op: "open", Path: name, Err: noDescriptors[0]}
	}
	defer in(o.calls)()
	f, err := openFile(o.path(name), flag)
	if err != nil {
		o.files.Add(-1)
		return nil, notExist(err)
	}
	return &osFile{File: f, fs: o}, nil
}

// Open implements FS.
func (o OS) Open(name string) (File, error) { return o.open(name, os.O_RDWR, spareFiles) }

// Create implements FS.
func (o OS) Create(name string) (File, error) { return o.open(name, os.O_RDWR|os.O_CREATE, 0) }

// Mkdir implements FS.
func (o OS) Mkdir(name string) error {
	defer in(o.calls)()
	return os.MkdirAll(o.path(name), 0o755)
}

// Rename implements FS.
func (o OS) Rename(from, to string) error {
	defer in(o.calls)()
	return notExist(os.Rename(o.path(from), o.path(to)))
}

// Remove implements FS.
func (o OS) Remove(name string) error {
	defer in(o.calls)()
	return notExist(os.Remove(o.path(name)))
}

// RemoveAll implements FS.
func (o OS) RemoveAll(name string) error {
	defer in(o.calls)()
	return os.RemoveAll(o.path(name))
}

// ReadDir implements FS.
func (o OS) ReadDir(name string) ([]string, error) {
	defer in(o.calls)()
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
	defer in(o.calls)()
	st, err := os.Stat(o.path(name))
	if err != nil {
		return Info{}, notExist(err)
	}
	return Info{Size: st.Size(), ModTime: st.ModTime().UnixMilli(), Dir: st.IsDir()}, nil
}

// SyncDir implements FS.
func (o OS) SyncDir(name string) error {
	return o.syncs.run(o.covers(name), func() error {
		return notExist(syncDir(o.path(name)))
	})
}

func (o OS) covers(name string) bool {
	defer in(o.calls)()
	return o.syncs.whole.coversName(o.path(name))
}
