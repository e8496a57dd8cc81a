package slab

import "testing"

// A slab of any size that comes back is lent again only to those for whom it has room.
func TestOddSlabsHaveRoom(t *testing.T) {
	for _, size := range []int{1 << 12, 5000, 1<<13 - 1, 1 << 13, 1<<13 + 1, 1<<20 + 77} {
		for _, n := range []int{1, size - 1, size, size + 1, 2 * size} {
			Put(make([]byte, 3, size))
			b := Get(n)
			if cap(b) < n || len(b) != 0 {
				t.Errorf("after one of %d came back, Get(%d) has room for %d and holds %d", size, n, cap(b), len(b))
			}
		}
	}
}

// What comes back is lent again: the hot paths stay off fresh memory.
func TestSlabsAreUsedAgain(t *testing.T) {
	b := append(Get(10_000), 1)
	Put(b)
	if again := Get(9000); &again[:1][0] != &b[0] {
		t.Error("a slab that came back is not lent again")
	}
	for range 10_000 {
		Put(make([]byte, 0, 1<<12))
	}
	if kept := len(free[12].slabs); kept == 0 || kept > 1<<10 {
		t.Errorf("%d slabs of 4 KiB are kept", kept)
	}
}
