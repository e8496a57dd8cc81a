package segment

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unique"
)

// Memory is the FS that keeps everything in memory, up to a limit in bytes. A removed file's memory is reused once the
// last reader has closed it.
type Memory struct {
	limit int64
	used  atomic.Int64 // bytes held by files, open or not

	mu   sync.Mutex
	dirs map[string]*memDir // by path; the root is ""
}

// memDir is one folder.
type memDir struct {
	files   []*memNode // sorted by name: a partition's few cost less in a list than in a map
	folders int        // how many folders are in it
}

// find gives the place of a name, and whether it is there. A nil folder has no files.
func (d *memDir) find(base string) (at int, found bool) {
	if d == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(d.files, base, func(n *memNode, base string) int {
		return strings.Compare(n.name.Value(), base)
	})
}

// get gives the file of a name; nil when it is not there.
func (d *memDir) get(base string) *memNode {
	if at, found := d.find(base); found {
		return d.files[at]
	}
	return nil
}

// put lists a file under a name.
func (d *memDir) put(base string, n *memNode) {
	n.name = unique.Make(base)
	if at, found := d.find(base); found {
		d.files[at] = n
	} else {
		d.files = slices.Insert(d.files, at, n)
	}
}

func (d *memDir) remove(base string) {
	if at, found := d.find(base); found {
		d.files = slices.Delete(d.files, at, at+1)
	}
}

// NewMemory makes an empty file system; limit 0 means no limit.
func NewMemory(limit int64) *Memory {
	return &Memory{limit: limit, dirs: map[string]*memDir{"": {}}}
}

// Used is how many bytes the files hold, with what was charged beside them.
func (m *Memory) Used() int64 { return m.used.Load() }

// Charge counts bytes, or below 0 gives them back, that are held beside the files.
func (m *Memory) Charge(n int64) { m.used.Add(n) }

// Limit is the most that Used may reach; 0 means no limit.
func (m *Memory) Limit() int64 { return m.limit }

// LogLimit is how far logs may take Used. What is left above it is for the small files that sealing a segment writes:
// memory only becomes free again when segments are sealed and go.
func (m *Memory) LogLimit() int64 { return m.limit - m.limit/32 }

// reserve takes credit for n bytes of a log, or of another file, or says that there is none.
func (m *Memory) reserve(n int64, log bool) error {
	limit := m.limit
	if log {
		limit = m.LogLimit()
	}
	if m.used.Add(n) > limit && m.limit > 0 {
		m.used.Add(-n)
		return ErrMemoryFull
	}
	return nil
}

// split gives a name's folder and base name.
func split(name string) (dir, base string) {
	dir, base = path.Split(clean(name))
	return strings.TrimSuffix(dir, "/"), base
}

// clean gives the one spelling of a name. Nearly all come in it.
func clean(name string) string {
	if clean := path.Clean(name); clean == name && clean != "." && clean[0] != '/' && !strings.HasPrefix(clean, "..") {
		return clean
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

func missing(name string) error { return fmt.Errorf("%s: %w", name, ErrNotExist) }

// Open implements FS.
func (m *Memory) Open(name string) (File, error) { return m.open(name, false) }

// Create implements FS.
func (m *Memory) Create(name string) (File, error) { return m.open(name, true) }

func (m *Memory) open(name string, create bool) (File, error) {
	dir, base := split(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	files := m.dirs[dir]
	n := files.get(base)
	if n == nil {
		if !create || files == nil {
			return nil, missing(name)
		}
		n = &memNode{fs: m, log: strings.HasSuffix(base, logSuffix)}
		n.refs.Store(1) // the name's
		n.touch()
		files.put(base, n)
	}
	n.refs.Add(1)
	return &memFile{memNode: n}, nil
}

// Mkdir implements FS.
func (m *Memory) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mkdir(clean(name))
	return nil
}

// mkdir makes a folder, and first those that it is in.
func (m *Memory) mkdir(name string) {
	if m.dirs[name] != nil {
		return
	}
	above, _ := split(name)
	m.mkdir(above)
	m.list(name, &memDir{})
}

// list adds a folder, in the place of another one of the name; unlist takes it away. The one that it is in counts it.
func (m *Memory) list(name string, d *memDir) {
	if m.dirs[name] == nil {
		above, _ := split(name)
		m.dirs[above].folders++
	}
	m.dirs[name] = d
}

func (m *Memory) unlist(name string) {
	delete(m.dirs, name)
	if above, _ := split(name); m.dirs[above] != nil {
		m.dirs[above].folders--
	}
}

// Rename implements FS: a file, or a folder without folders in it.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if files, ok := m.dirs[clean(from)]; ok {
		if above, _ := split(to); m.dirs[above] == nil {
			return missing(to)
		}
		m.unlist(clean(from))
		m.list(clean(to), files)
		return nil
	}
	dir, base := split(from)
	toDir, toBase := split(to)
	n, target := m.dirs[dir].get(base), m.dirs[toDir]
	if n == nil || target == nil {
		return missing(from)
	}
	if old := target.get(toBase); old != nil {
		old.release()
	}
	m.dirs[dir].remove(base)
	target.put(toBase, n)
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	dir, base := split(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.dirs[dir].get(base)
	if n == nil {
		return missing(name)
	}
	m.dirs[dir].remove(base)
	n.release()
	return nil
}

// RemoveAll implements FS.
func (m *Memory) RemoveAll(name string) error {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[name]
	if d == nil {
		return nil
	}
	if d.folders > 0 { // else nothing of all the others is in it
		for dir := range m.dirs {
			if strings.HasPrefix(dir, name+"/") {
				m.removeFolder(dir)
			}
		}
	}
	m.removeFolder(name)
	return nil
}

// removeFolder removes a folder with its files.
func (m *Memory) removeFolder(name string) {
	for _, n := range m.dirs[name].files {
		n.release()
	}
	m.unlist(name)
}

// ReadDir implements FS.
func (m *Memory) ReadDir(name string) ([]string, error) {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	files, ok := m.dirs[name]
	if !ok {
		return nil, missing(name)
	}
	var names []string
	for _, n := range files.files {
		names = append(names, n.name.Value())
	}
	if name == "" {
		for dir := range m.dirs {
			if dir != "" && !strings.Contains(dir, "/") {
				names = append(names, dir)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements FS.
func (m *Memory) Stat(name string) (Info, error) {
	dir, base := split(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.dirs[dir].get(base); n != nil {
		return Info{Size: n.size.Load(), ModTime: n.modified.Load()}, nil
	}
	if _, ok := m.dirs[clean(name)]; ok {
		return Info{Dir: true}, nil
	}
	return Info{}, missing(name)
}

// SyncDir implements FS; memory is never durable.
func (m *Memory) SyncDir(string) error { return nil }

func nowMillis() int64 { return time.Now().UnixMilli() }
