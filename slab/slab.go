// Package slab keeps byte slabs for reuse: bounded free lists by size class. First touch of fresh memory costs several
// times a reused page, and a sync.Pool is emptied by every collection, so hot paths borrow their buffers here.
package slab

import (
	"math/bits"
	"sync"
)

const (
	minBits = 12 // 4 KiB
	maxBits = 25 // 32 MiB holds the largest request with its record overhead
	// classBytes bounds what one size class keeps for reuse.
	classBytes = 32 << 20
)

// list keeps slabs of one size class for reuse, the last one first: it is still in the processor's cache.
type list struct {
	mu    sync.Mutex
	slabs [][]byte
}

func (l *list) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.slabs) - 1
	if last < 0 {
		return nil
	}
	b := l.slabs[last]
	l.slabs[last] = nil
	l.slabs = l.slabs[:last]
	return b
}

func (l *list) put(b []byte, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.slabs) < limit {
		l.slabs = append(l.slabs, b)
	}
}

// free holds one list per power of two.
var free [maxBits + 1]list

// limitOf bounds how many slabs a class keeps.
func limitOf(class int) int { return min(max(classBytes>>class, 2), 512) }

// Get lends an empty slab with room for at least n bytes, at least 4 KiB.
func Get(n int) []byte {
	class := classOf(n)
	if class > maxBits {
		return make([]byte, 0, n)
	}
	if b := free[class].take(); b != nil {
		return b
	}
	return make([]byte, 0, 1<<class)
}

// Put takes a slab back. The caller must hold the only reference. Odd sizes, as append makes them, are kept in the
// class that they can serve; what a full list can't hold is left to the collector.
func Put(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < minBits || class > maxBits {
		return
	}
	free[class].put(b[:0], limitOf(class))
}

// Grow gives a slab with b's bytes and room for n more; b is given back where it had to move.
func Grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	grown := append(Get(max(len(b)+n, 2*len(b))), b...)
	Put(b)
	return grown
}

func classOf(n int) int {
	return max(bits.Len(uint(max(n, 1)-1)), minBits)
}
