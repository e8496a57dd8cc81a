package crc32c

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// Every length, wherever it begins, has the checksum that the standard library gives it.
func TestChecksumIsTheStandardOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 6*foldFrom)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	check := func(part []byte, at int) {
		if got, want := Checksum(part), crc32.Checksum(part, castagnoli); got != want {
			t.Fatalf("%d bytes at %d: %08x, want %08x", len(part), at, got, want)
		}
	}
	for size := range len(p) - 64 {
		at := size % 64
		check(p[at:at+size], at)
	}
	for range 100 { // any bit counts
		at := r.IntN(len(p))
		p[at] ^= 1 << r.IntN(8)
		check(p, 0)
	}
	check(make([]byte, 5000), 0)
}

func BenchmarkChecksum(b *testing.B) {
	for name, size := range map[string]int{"1KiB": 1 << 10, "4KiB": 4 << 10, "16KiB": 16 << 10, "1MiB": 1 << 20} {
		p := make([]byte, size)
		for way, sum := range map[string]func([]byte) uint32{
			"own": Checksum, "std": func(p []byte) uint32 { return crc32.Checksum(p, castagnoli) },
		} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					sum(p)
				}
			})
		}
	}
}
