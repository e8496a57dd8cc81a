package crc32c

import "golang.org/x/sys/cpu"

// canFold tells whether fold can be called: its instructions are in servers' processors since 2019 (Intel) and 2022
// (AMD).
var canFold = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VPCLMULQDQ && cpu.X86.HasSSE42

// fold gives the checksum of the n bytes at p, a multiple of foldedSize and a foldBlock at least.
//
//go:noescape
func fold(p *byte, n int, by *[4]uint64) (crc uint32)
