package segmenttest

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"flashq/segment"
)

// Op is a kind of operation that can be made to fail.
type Op string

// The operations that Fail and Count know.
const (
	OpOpen     Op = "open"
	OpCreate   Op = "create"
	OpRead     Op = "read"
	OpWrite    Op = "write"
	OpTruncate Op = "truncate"
	OpSync     Op = "sync"
	OpSyncDir  Op = "syncdir"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpReserve  Op = "reserve"
)

// FS is an in-memory segment.FS that knows what is durable: a file's bytes since its last Sync and a folder's entries
// since its last SyncDir are not.
type FS struct {
	mu      sync.Mutex
	files   map[string]*node // as programs see them
	durable map[string]*node // as the disk knows them
	dirs    map[string]bool
	faults  []*fault
	counts  map[Op]int
	full    bool
	free    int64 // blocks, while full
	// NoReserve, when set before use, makes it one where no file can have blocks for what is not written yet.
	NoReserve bool
	hook      atomic.Pointer[func(op Op, name string)]
}

type node struct {
	data    []byte
	synced  []byte
	modTime int64

	reserved int64 // up to where it has blocks, whatever the disk has left
}

type fault struct {
	op   Op
	part string // of the names that it strikes
	nth  int    // 1 = the next
	err  error
	tear int // bytes of a failing write that arrive all the same
	left int // how many times it strikes; < 0 = for ever
}

var _ segment.FS = (*FS)(nil)

// New makes an empty disk.
func New() *FS {
	return &FS{
		files: map[string]*node{}, durable: map[string]*node{}, dirs: map[string]bool{"": true}, counts: map[Op]int{},
	}
}

// Fail makes the nth operation of a kind from now on fail, once.
func (f *FS) Fail(op Op, nth int, err error) { f.add(&fault{op: op, nth: nth, err: err, left: 1}) }

// FailNamed is Fail for names that have something in them.
func (f *FS) FailNamed(op Op, part string, nth int, err error) {
	f.add(&fault{op: op, part: part, nth: nth, err: err, left: 1})
}

// FailNamedFrom is FailFrom for names that have something in them.
func (f *FS) FailNamedFrom(op Op, part string, nth int, err error) {
	f.add(&fault{op: op, part: part, nth: nth, err: err, left: -1})
}

// FailFrom makes every operation of a kind fail, from the nth on.
func (f *FS) FailFrom(op Op, nth int, err error) { f.add(&fault{op: op, nth: nth, err: err, left: -1}) }

// Tear makes the nth write from now on fail after so many bytes.
func (f *FS) Tear(nth, bytes int, err error) {
	f.add(&fault{op: OpWrite, nth: nth, err: err, tear: bytes, left: 1})
}

func (f *FS) add(x *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, x)
}

// Heal takes every fault away, and gives a full disk room.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults, f.full = nil, false
}

// Fill leaves no block on the disk that is not some file's. Blocks that files give back are there for others.
func (f *FS) Fill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full, f.free = true, 0
}

const blockSize = 4096

// blocks is how many a file has.
func (n *node) blocks() int64 {
	return (max(n.reserved, int64(len(n.data))) + blockSize - 1) / blockSize
}

// take gives a file blocks up to a position, and refuses where there are none. mu is held.
func (f *FS) take(n *node, to int64) error {
	more := (to+blockSize-1)/blockSize - n.blocks()
	switch {
	case !f.full || more <= 0:
	case more > f.free:
		return syscall.ENOSPC
	default:
		f.free -= more
	}
	return nil
}

// Room implements segment.RoomTeller.
func (f *FS) Room() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.full {
		return 1 << 40, nil
	}
	return f.free * blockSize, nil
}

// drop takes a file away under one name. mu is held.
func (f *FS) drop(name string) {
	if n := f.files[name]; n != nil {
		f.free += n.blocks()
	}
	delete(f.files, name)
}

// Count is how many operations of a kind were asked for.
func (f *FS) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// SetHook has a function run before each operation from now on, outside the lock: it may block or panic. nil is none.
func (f *FS) SetHook(hook func(op Op, name string)) {
	if hook == nil {
		f.hook.Store(nil)
		return
	}
	f.hook.Store(&hook)
}

// step counts an operation and gives the fault that strikes it. It is called without the lock, because of the hook.
func (f *FS) step(op Op, name string) (tear int, err error) {
	if hook := f.hook.Load(); hook != nil {
		(*hook)(op, name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op]++
	for _, x := range f.faults {
		if x.op != op || x.left == 0 || !strings.Contains(name, x.part) {
			continue
		}
		if x.nth--; x.nth > 0 {
			continue
		}
		x.left--
		if err == nil {
			tear, err = x.tear, fmt.Errorf("%s %s: %w", op, name, x.err)
		}
	}
	return tear, err
}

// Crash gives the disk as the machine finds it after a power cut: what was synced, and of the rest as much as rng says,
// cut at any byte; a file that was removed may be gone or back. A nil rng keeps nothing that was not synced.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := New()
	for dir := range f.dirs {
		after.dirs[dir] = true
	}
	keep := func(name string, n *node) {
		data := slices.Clone(n.synced)
		if rng != nil && len(n.data) > len(n.synced) {
			data = slices.Clone(n.data[:len(n.synced)+rng.IntN(len(n.data)-len(n.synced)+1)])
		}
		kept := &node{data: data, synced: slices.Clone(data), modTime: n.modTime}
		after.files[name], after.durable[name] = kept, kept
	}
	for _, name := range slices.Sorted(mapKeys(f.durable)) {
		if removed := f.files[name] == nil; !removed || rng == nil || rng.IntN(2) == 0 {
			keep(name, f.durable[name])
		}
	}
	for _, name := range slices.Sorted(mapKeys(f.files)) {
		if f.durable[name] == nil && rng != nil && rng.IntN(2) == 0 {
			keep(name, f.files[name])
		}
	}
	return after
}

// Kill gives the disk as the next process finds it after kill -9: everything that was written is there.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := New()
	after.full, after.free, after.NoReserve = f.full, f.free, f.NoReserve
	for dir := range f.dirs {
		after.dirs[dir] = true
	}
	for name, n := range f.files {
		after.files[name] = &node{
			data: slices.Clone(n.data), synced: slices.Clone(n.synced), modTime: n.modTime, reserved: n.reserved,
		}
	}
	for name, n := range f.durable {
		if same := after.files[name]; f.files[name] == n {
			after.durable[name] = same
		}
	}
	return after
}

func mapKeys(m map[string]*node) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Bytes gives a file's contents, for tests that spoil them with SetBytes.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.files[clean(name)]; n != nil {
		return slices.Clone(n.data)
	}
	return nil
}

// SetBytes replaces a file's contents, durably; nil removes the file.
func (f *FS) SetBytes(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = clean(name)
	if data == nil {
		delete(f.files, name)
		delete(f.durable, name)
		return
	}
	n := &node{data: slices.Clone(data), synced: slices.Clone(data), modTime: time.Now().UnixMilli()}
	f.files[name], f.durable[name] = n, n
}

// SetModTime makes a file look as if it was last written then.
func (f *FS) SetModTime(name string, millis int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[clean(name)].modTime = millis
}

// Names lists the files with a suffix.
func (f *FS) Names(suffix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name := range f.files {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func clean(name string) string  { return strings.TrimPrefix(path.Clean("/"+name), "/") }
func parent(name string) string { return clean(path.Dir("/" + name)) }

func missing(name string) error { return fmt.Errorf("%s: %w", name, segment.ErrNotExist) }
