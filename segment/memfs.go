package segment

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Memory is the FS that keeps everything in memory, up to a limit in bytes. A removed file's memory is reused once the
// last reader has closed it.
type Memory struct {
	limit int64
	used  atomic.Int64 // bytes of slabs held by files, open or not

	mu    sync.Mutex
	nodes map[string]*memNode // files by name
	dirs  map[string]bool
}

// NewMemory makes an empty file system; limit 0 means no limit.
func NewMemory(limit int64) *Memory {
	return &Memory{limit: limit, nodes: map[string]*memNode{}, dirs: map[string]bool{"": true}}
}

// Used is how many bytes the files hold.
func (m *Memory) Used() int64 { return m.used.Load() }

// Limit is the most that Used may reach; 0 means no limit.
func (m *Memory) Limit() int64 { return m.limit }

// reserve takes credit for n bytes or says that there is none.
func (m *Memory) reserve(n int64) error {
	if m.used.Add(n) > m.limit && m.limit > 0 {
		m.used.Add(-n)
		return ErrMemoryFull
	}
	return nil
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// Open implements FS.
func (m *Memory) Open(name string) (File, error) { return m.open(name, false) }

// Create implements FS.
func (m *Memory) Create(name string) (File, error) { return m.open(name, true) }

func (m *Memory) open(name string, create bool) (File, error) {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[name]
	if n == nil {
		if !create || !m.dirs[parent(name)] {
			return nil, fmt.Errorf("%s: %w", name, ErrNotExist)
		}
		n = &memNode{fs: m}
		n.refs.Store(1) // the name's
		n.touch()
		m.nodes[name] = n
	}
	n.refs.Add(1)
	return &memFile{memNode: n}, nil
}

func parent(name string) string { return clean(path.Dir("/" + name)) }

// Mkdir implements FS.
func (m *Memory) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name = clean(name); name != ""; name = parent(name) {
		m.dirs[name] = true
	}
	return nil
}

// Rename implements FS: a file, or a folder with what is in it.
func (m *Memory) Rename(from, to string) error {
	from, to = clean(from), clean(to)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.nodes[from]; n != nil {
		if old := m.nodes[to]; old != nil {
			old.release()
		}
		m.nodes[to] = n
		delete(m.nodes, from)
		return nil
	}
	if !m.dirs[from] {
		return fmt.Errorf("%s: %w", from, ErrNotExist)
	}
	delete(m.dirs, from)
	m.dirs[to] = true
	for name, n := range m.nodes {
		if rest, ok := strings.CutPrefix(name, from+"/"); ok {
			delete(m.nodes, name)
			m.nodes[to+"/"+rest] = n
		}
	}
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[name]
	if n == nil {
		return fmt.Errorf("%s: %w", name, ErrNotExist)
	}
	delete(m.nodes, name)
	n.release()
	return nil
}

// RemoveAll implements FS.
func (m *Memory) RemoveAll(name string) error {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	for file, n := range m.nodes {
		if file == name || strings.HasPrefix(file, name+"/") {
			delete(m.nodes, file)
			n.release()
		}
	}
	for dir := range m.dirs {
		if dir == name || strings.HasPrefix(dir, name+"/") {
			delete(m.dirs, dir)
		}
	}
	return nil
}

// ReadDir implements FS.
func (m *Memory) ReadDir(name string) ([]string, error) {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirs[name] {
		return nil, fmt.Errorf("%s: %w", name, ErrNotExist)
	}
	var names []string
	for file := range m.nodes {
		if parent(file) == name {
			names = append(names, path.Base(file))
		}
	}
	for dir := range m.dirs {
		if dir != "" && parent(dir) == name {
			names = append(names, path.Base(dir))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements FS.
func (m *Memory) Stat(name string) (Info, error) {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.nodes[name]; n != nil {
		return Info{Size: n.size.Load(), ModTime: n.modified.Load()}, nil
	}
	if m.dirs[name] {
		return Info{Dir: true}, nil
	}
	return Info{}, fmt.Errorf("%s: %w", name, ErrNotExist)
}

// SyncDir implements FS; memory is never durable.
func (m *Memory) SyncDir(string) error { return nil }

func nowMillis() int64 { return time.Now().UnixMilli() }
