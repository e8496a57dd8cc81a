package segmenttest

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"flashq/segment"
)

// Open implements segment.FS.
func (f *FS) Open(name string) (segment.File, error) { return f.open(OpOpen, name) }

// Create implements segment.FS.
func (f *FS) Create(name string) (segment.File, error) { return f.open(OpCreate, name) }

func (f *FS) open(op Op, name string) (segment.File, error) {
	name = clean(name)
	if _, err := f.step(op, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.files[name]
	if n == nil {
		if op == OpOpen || !f.dirs[parent(name)] {
			return nil, missing(name)
		}
		n = &node{modTime: time.Now().UnixMilli()}
		f.files[name] = n
	}
	return &file{fs: f, name: name, node: n}, nil
}

// Mkdir implements segment.FS. Folders are durable at once: what a lost folder would do, lost files do as well.
func (f *FS) Mkdir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name = clean(name); name != ""; name = parent(name) {
		f.dirs[name] = true
	}
	return nil
}

// Rename implements segment.FS.
func (f *FS) Rename(from, to string) error {
	from, to = clean(from), clean(to)
	if _, err := f.step(OpRename, from); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.files[from]; n != nil {
		f.drop(to)
		f.files[to] = n
		delete(f.files, from)
		return nil
	}
	if !f.dirs[from] {
		return missing(from)
	}
	delete(f.dirs, from)
	f.dirs[to] = true
	for _, table := range []map[string]*node{f.files, f.durable} {
		for name, n := range table {
			if rest, ok := strings.CutPrefix(name, from+"/"); ok {
				delete(table, name)
				table[to+"/"+rest] = n
			}
		}
	}
	return nil
}

// Remove implements segment.FS.
func (f *FS) Remove(name string) error {
	name = clean(name)
	if _, err := f.step(OpRemove, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files[name] == nil {
		return missing(name)
	}
	f.drop(name)
	return nil
}

// RemoveAll implements segment.FS.
func (f *FS) RemoveAll(name string) error {
	name = clean(name)
	if _, err := f.step(OpRemove, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for file := range f.files {
		if strings.HasPrefix(file, name+"/") {
			f.drop(file)
		}
	}
	for dir := range f.dirs {
		if dir == name || strings.HasPrefix(dir, name+"/") {
			delete(f.dirs, dir)
		}
	}
	return nil
}

// ReadDir implements segment.FS.
func (f *FS) ReadDir(name string) ([]string, error) {
	name = clean(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.dirs[name] {
		return nil, missing(name)
	}
	var names []string
	for file := range f.files {
		if parent(file) == name {
			names = append(names, path.Base(file))
		}
	}
	for dir := range f.dirs {
		if dir != "" && parent(dir) == name {
			names = append(names, path.Base(dir))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements segment.FS.
func (f *FS) Stat(name string) (segment.Info, error) {
	name = clean(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.files[name]; n != nil {
		return segment.Info{Size: int64(len(n.data)), ModTime: n.modTime}, nil
	}
	if f.dirs[name] {
		return segment.Info{Dir: true}, nil
	}
	return segment.Info{}, missing(name)
}

// SyncDir implements segment.FS: the folder's entries are durable, with what their files had synced.
func (f *FS) SyncDir(name string) error {
	name = clean(name)
	if _, err := f.step(OpSyncDir, name); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for file := range f.durable {
		if parent(file) == name && f.files[file] == nil {
			delete(f.durable, file)
		}
	}
	for file, n := range f.files {
		if parent(file) == name {
			f.durable[file] = n
		}
	}
	return nil
}

// file is one open handle.
type file struct {
	fs   *FS
	name string
	*node
}

// ReadAt implements io.ReaderAt.
func (h *file) ReadAt(p []byte, off int64) (int, error) {
	if _, err := h.fs.step(OpRead, h.name); err != nil {
		return 0, err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if off >= int64(len(h.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (h *file) WriteAt(p []byte, off int64) (int, error) {
	tear, err := h.fs.step(OpWrite, h.name)
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if segment.IsNoSpace(err) && off+int64(len(p)) <= h.reserved {
		err = nil
	}
	if err == nil {
		err = h.fs.take(h.node, off+int64(len(p)))
	}
	if err != nil {
		p = p[:min(tear, len(p))]
	}
	if off > int64(len(h.data)) {
		return 0, fmt.Errorf("%s: write at %d leaves a hole", h.name, off)
	}
	h.data = append(h.data[:off:off], append(slices.Clone(p), h.data[min(off+int64(len(p)), int64(len(h.data))):]...)...)
	h.modTime = time.Now().UnixMilli()
	return len(p), err
}

// Preallocate implements segment.Preallocator.
func (h *file) Preallocate(off, n int64) error {
	if h.fs.NoReserve {
		return errors.ErrUnsupported
	}
	_, err := h.fs.step(OpReserve, h.name)
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err == nil {
		err = h.fs.take(h.node, off+n)
	}
	if err != nil && off+n > h.reserved {
		return err
	}
	h.reserved = max(h.reserved, off+n)
	return nil
}

// Size implements segment.File.
func (h *file) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	return int64(len(h.data)), nil
}

// Truncate implements segment.File.
func (h *file) Truncate(size int64) error {
	if _, err := h.fs.step(OpTruncate, h.name); err != nil {
		return err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	had := h.blocks()
	h.data = slices.Clone(h.data[:min(size, int64(len(h.data)))])
	h.reserved = 0
	h.fs.free += had - h.blocks()
	return nil
}

// Sync implements segment.File.
func (h *file) Sync() error {
	if _, err := h.fs.step(OpSync, h.name); err != nil {
		return err
	}
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	h.synced = slices.Clone(h.data)
	return nil
}

// Close implements segment.File.
func (h *file) Close() error { return nil }
