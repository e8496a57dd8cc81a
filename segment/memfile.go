package segment

import (
	"fmt"
	"io"
	"sort"
	"sync"
	"sync/atomic"
	"unique"

	"flashq/slab"
)

const (
	minSlab = 4 << 10
	maxSlab = 1 << 20
)

// memNode is one file's contents: extents in order, each a slab that is filled from its start. One goroutine writes;
// readers take the list under the lock and read bytes below the size that they were told.
type memNode struct {
	fs       *Memory
	name     unique.Handle[string] // base name, under the FS's lock; most are the same in every partition
	log      bool                  // holds records, not what is known of them
	refs     atomic.Int32          // the name and every open memFile
	size     atomic.Int64
	modified atomic.Int64

	mu      sync.RWMutex
	extents []extent
}

// extent holds the file's bytes from off on. data is the room, all of it; the file's size says how far it is written.
// An extent never changes once it is listed.
type extent struct {
	off   int64
	data  []byte
	users *atomic.Int32 // the file and those who have borrowed some of it
}

// find gives the index of the extent that holds off.
func find(extents []extent, off int64) int {
	return max(sort.Search(len(extents), func(i int) bool { return extents[i].off > off })-1, 0)
}

func (e extent) end() int64 { return e.off + int64(len(e.data)) }

func (n *memNode) touch() { n.modified.Store(nowMillis()) }

// release drops one reference; the last one gives the memory back.
func (n *memNode) release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	n.drop(n.extents)
	n.extents = nil
}

// drop gives slabs back for reuse, those that are lent when they come back. Nobody else may hold a view of them.
func (n *memNode) drop(extents []extent) {
	for _, e := range extents {
		n.fs.used.Add(-int64(cap(e.data)))
		e.leave()
	}
}

func (n *memNode) list() []extent {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.extents
}

// memFile is one opened handle.
type memFile struct {
	*memNode
	closed atomic.Bool
}

// Close gives the reference up, once.
func (f *memFile) Close() error {
	if !f.closed.Swap(true) {
		f.release()
	}
	return nil
}

// Size implements File.
func (f *memFile) Size() (int64, error) { return f.size.Load(), nil }

// Sync implements File; memory is never durable.
func (f *memFile) Sync() error { return nil }

// ReadAt implements io.ReaderAt.
func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	size := f.size.Load()
	if off >= size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), size-off)]
	extents := f.list()
	n := 0
	for i := find(extents, off); n < len(want); i++ {
		e := extents[i]
		n += copy(want[n:], e.data[off+int64(n)-e.off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt: at the end, or over what is there. It writes all or nothing.
func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	size := f.size.Load()
	if off > size {
		return 0, fmt.Errorf("write at %d leaves a hole after %d", off, size)
	}
	n := 0
	if off < size {
		n = f.overwrite(p[:min(int64(len(p)), size-off)], off)
	}
	if err := f.append(p[n:]); err != nil {
		return n, err
	}
	f.touch()
	return len(p), nil
}

// overwrite copies p over bytes that have room already.
func (f *memFile) overwrite(p []byte, off int64) int {
	extents := f.list()
	n := 0
	for i := find(extents, off); n < len(p) && i < len(extents); i++ {
		e := extents[i]
		n += copy(e.data[off+int64(n)-e.off:], p[n:])
	}
	return n
}

// append fills the last slab and takes one more where needed, after credit was found for it.
func (f *memFile) append(p []byte) error {
	size, room := f.size.Load(), int64(0)
	if k := len(f.extents) - 1; k >= 0 { // only the writer changes the list
		room = f.extents[k].end() - size
	}
	if need := len(p) - int(room); need > 0 {
		fresh := f.take(need)
		if err := f.fs.reserve(int64(cap(fresh)), f.log); err != nil {
			slab.Put(fresh)
			return err
		}
		f.add(newExtent(size+room, fresh[:cap(fresh)]))
	}
	f.overwrite(p, size)
	f.size.Store(size + int64(len(p)))
	return nil
}

func (n *memNode) add(e extent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.extents = append(n.extents, e)
}

// take gives room for n bytes more. It grows with the file, so that a small partition costs little and a large one few
// slabs; what a file begins with, often all of it, takes no slab.
func (f *memFile) take(n int) []byte {
	size := f.size.Load()
	if size == 0 && n < minSlab/4 {
		return make([]byte, 0, n)
	}
	return slab.Get(max(n, int(min(max(size, minSlab), maxSlab))))
}

// AdoptAt implements Adopter.
func (f *memFile) AdoptAt(p []byte, off int64) error {
	if size := f.size.Load(); off != size {
		return fmt.Errorf("adopt at %d, the end is %d", off, size)
	}
	if err := f.fs.reserve(int64(cap(p)), f.log); err != nil {
		return err
	}
	f.seal(off)
	f.add(newExtent(off, p))
	f.size.Store(off + int64(len(p)))
	f.touch()
	return nil
}

// seal gives up the room that the last slab has left after end: an adopted slab stands there from now on.
func (n *memNode) seal(end int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := len(n.extents) - 1; k >= 0 && n.extents[k].end() > end {
		cut := append([]extent(nil), n.extents...) // listed extents don't change: a reader may hold them
		cut[k].data = cut[k].data[:end-cut[k].off]
		n.extents = cut
	}
}

// Truncate implements File: it can only cut. What is cut off goes to the collector, since a reader may still hold it.
func (f *memFile) Truncate(size int64) error {
	if size >= f.size.Load() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size.Store(size)
	k := sort.Search(len(f.extents), func(i int) bool { return f.extents[i].off >= size })
	for _, e := range f.extents[k:] {
		f.fs.used.Add(-int64(cap(e.data)))
	}
	f.extents = f.extents[:k:k]
	return nil
}
