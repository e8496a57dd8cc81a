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
	used  atomic.Int64 // bytes held by files, open or not

	mu   sync.Mutex
	dirs map[string]memDir // by path; the root is ""
}

// memDir is one folder's files by base name.
type memDir map[string]*memNode

// NewMemory makes an empty file system; limit 0 means no limit.
func NewMemory(limit int64) *Memory {
	return &Memory{limit: limit, dirs: map[string]memDir{"": {}}}
}

// Used is how many bytes the files hold.
func (m *Memory) Used() int64 { return m.used.Load() }

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

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

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
	n := files[base]
	if n == nil {
		if !create || files == nil {
			return nil, missing(name)
		}
		n = &memNode{fs: m, log: strings.HasSuffix(base, logSuffix)}
		n.refs.Store(1) // the name's
		n.touch()
		files[base] = n
	}
	n.refs.Add(1)
	return &memFile{memNode: n}, nil
}

// Mkdir implements FS.
func (m *Memory) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name = clean(name); name != ""; name, _ = split(name) {
		if m.dirs[name] == nil {
			m.dirs[name] = memDir{}
		}
	}
	return nil
}

// Rename implements FS: a file, or a folder without folders in it.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if files, ok := m.dirs[clean(from)]; ok {
		delete(m.dirs, clean(from))
		m.dirs[clean(to)] = files
		return nil
	}
	dir, base := split(from)
	toDir, toBase := split(to)
	n, target := m.dirs[dir][base], m.dirs[toDir]
	if n == nil || target == nil {
		return missing(from)
	}
	if old := target[toBase]; old != nil {
		old.release()
	}
	target[toBase] = n
	delete(m.dirs[dir], base)
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	dir, base := split(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.dirs[dir][base]
	if n == nil {
		return missing(name)
	}
	delete(m.dirs[dir], base)
	n.release()
	return nil
}

// RemoveAll implements FS.
func (m *Memory) RemoveAll(name string) error {
	name = clean(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir, files := range m.dirs {
		if dir != name && !strings.HasPrefix(dir, name+"/") {
			continue
		}
		for _, n := range files {
			n.release()
		}
		delete(m.dirs, dir)
	}
	return nil
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
	for base := range files {
		names = append(names, base)
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
	if n := m.dirs[dir][base]; n != nil {
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
