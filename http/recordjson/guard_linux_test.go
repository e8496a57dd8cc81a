package recordjson

import (
	"syscall"
	"testing"
)

// TestQuotedStaysInside reads and writes between pages that nobody may touch: a byte outside of a slice ends the test.
func TestQuotedStaysInside(t *testing.T) {
	src, dst := guarded(t), guarded(t)
	page := len(src)
	eachWay(t, func(*testing.T) {
		for size := range 200 {
			for _, c := range "a\"\n\x01" {
				for i := range page {
					src[i] = 'a'
				}
				for _, at := range []int{0, size / 2, size - 1} {
					if size > 0 {
						src[at], src[page-size+at] = byte(c), byte(c)
					}
				}
				for room := range 3 {
					out := dst[page-size-room*quoteRoom:][:0]
					appendQuoted(out, src[page-size:])
					appendQuoted(out, src[:size:size])
				}
			}
		}
	})
}

// guarded is a page between two others that can't be read nor written.
func guarded(t *testing.T) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	all, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{all[:page], all[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return all[page : 2*page : 2*page]
}
