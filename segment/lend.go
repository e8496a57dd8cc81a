package segment

import (
	"sync/atomic"

	"flashq/segment/batch"
	"flashq/slab"
)

// Lent is a piece of memory storage that is sent from where it stands. It stays as it is until Release, also when its
// file goes: then the file no longer counts it, and who has borrowed it must.
type Lent struct {
	Bytes []byte
	in    extent
}

// Held is how many bytes of memory the piece keeps from being used for something else.
func (l *Lent) Held() int { return cap(l.in.data) }

// Release gives it back, once.
func (l *Lent) Release() { l.in.leave() }

// lendFrom is the size from which batches are worth lending: each has its head looked at, and is written by itself
// where it stands apart.
const lendFrom = 4 << 10

// Lend gives batches of memory storage as they stand there, without a copy, beginning with the one that holds offset
// from, as long as admit takes them, within one segment; next is where to go on. head is that of a batch, whose CRC is
// not looked at: memory doesn't rot. Nothing is lent, and nothing admitted, where the storage is no memory or batches
// are small; what else is in the way is for Read to tell.
func (v *View) Lend(from int64, admit func(head batch.Batch, size int) bool) (lent []Lent, next int64) {
	from = max(from, v.start)
	if from >= v.end {
		return nil, from
	}
	r, err := v.readerAt(from, scanWindow)
	if err != nil {
		return nil, from
	}
	memory, ok := memoryOf(r.piece.file)
	if !ok {
		return nil, from
	}
	c := &r.cursor
	c.skip(from)
	at, next := c.pos, from
	for c.expected < r.piece.limit {
		head, size, err := c.head(batch.HeaderSize)
		if err != nil || head.Version() != batch.Magic || head.BaseOffset() != c.expected || size < lendFrom ||
			!admit(head, size) {
			break
		}
		c.pos += int64(size)
		c.expected = head.LastOffset() + 1
		next = c.expected
	}
	return memory.lend(at, c.pos), next
}

// memoryOf finds the memory of a file.
func memoryOf(file any) (*memFile, bool) {
	if s, ok := file.(*shared); ok {
		file = s.File
	}
	m, ok := file.(*memFile)
	return m, ok
}

// lend gives what stands from one place to another, which is below the file's size.
func (n *memNode) lend(from, to int64) (lent []Lent) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for i := find(n.extents, from); from < to; i++ {
		e := n.extents[i]
		end := min(e.end(), to)
		e.users.Add(1) // this file is one until it goes
		lent = append(lent, Lent{Bytes: e.data[from-e.off : end-e.off : end-e.off], in: e})
		from = end
	}
	return lent
}

// newExtent lists a slab as a part of a file.
func newExtent(off int64, data []byte) extent {
	e := extent{off: off, data: data, users: new(atomic.Int32)}
	e.users.Store(1)
	return e
}

// leave takes one user away; with the last one the slab goes back for reuse.
func (e extent) leave() {
	if e.users.Add(-1) == 0 {
		slab.Put(e.data)
	}
}
