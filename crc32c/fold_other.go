//go:build !amd64

package crc32c

// canFold tells whether fold can be called: only where it is written for the processor.
const canFold = false

func fold(*[foldedSize]byte, *byte, int, *[4]uint64) { panic("crc32c: no folding here") }
