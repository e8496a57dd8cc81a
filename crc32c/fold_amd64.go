package crc32c

import "golang.org/x/sys/cpu"

// canFold tells whether fold can be called: its instructions are in servers' processors since 2019 (Intel) and 2022
// (AMD).
var canFold = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VPCLMULQDQ

// fold reduces the n bytes at p, a multiple of foldedSize and a foldBlock at least, to 64 that have the same checksum
// from a state of zero as those from the initial one.
//
//go:noescape
func fold(folded *[foldedSize]byte, p *byte, n int, by *[4]uint64)
