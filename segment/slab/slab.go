// Package slab keeps byte slabs for reuse: bounded free lists by size class. First touch of fresh memory costs several
// times a reused page, and a sync.Pool is emptied by every collection, so hot paths borrow their buffers here.
package slab

import "math/bits"

const (
	minBits = 12 // 4 KiB
	maxBits = 25 // 32 MiB holds the largest request with its record overhead
	// classBytes bounds what one size class keeps for reuse.
	classBytes = 32 << 20
)

// free holds one bounded list per power of two. A channel is a bounded list that needs no lock of ours.
var free = func() (lists [maxBits + 1]chan []byte) {
	for b := minBits; b <= maxBits; b++ {
		lists[b] = make(chan []byte, min(max(classBytes>>b, 2), 512))
	}
	return lists
}()

// Get lends an empty slab with room for at least n bytes, at least 4 KiB.
func Get(n int) []byte {
	class := classOf(n)
	if class > maxBits {
		return make([]byte, 0, n)
	}
	select {
	case b := <-free[class]:
		return b
	default:
		return make([]byte, 0, 1<<class)
	}
}

// Put takes a slab back. The caller must hold the only reference. Odd sizes, as append makes them, are kept in the
// class that they can serve; what a full list can't hold is left to the collector.
func Put(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < minBits || class > maxBits {
		return
	}
	select {
	case free[class] <- b[:0]:
	default:
	}
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
