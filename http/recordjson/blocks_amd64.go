package recordjson

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// hasBlocks tells whether classifyBlock, keepMarked and escapeMarked can be called: their instructions are in every
// server's processor since 2013, but not in the architecture's baseline. Tests alone change it.
var hasBlocks = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// plainBlocks is the index of the first of n bytes that plainEnd looks for, or, where whole blocks of 16 have none, of
// the rest behind them.
//
//go:noescape
func plainBlocks(p *byte, n int) int

// classifyBlock is classify.
//
//go:noescape
func classifyBlock(b *[blockSize]byte) (c classes)

// keepMarked writes the bytes of the block at src that keep has a bit for, and gives their number. It may write eight
// bytes more.
//
//go:noescape
func keepMarked(dst *[windowOut]byte, src *[windowIn]byte, keep uint64) (n int)

// escapeMarked writes the block at src with a backslash before each byte that marks has a bit for, and gives the number
// of bytes. It may write eight bytes more.
//
//go:noescape
func escapeMarked(dst *[windowOut]byte, src *[windowIn]byte, marks uint64) (n int)

// spreads is escapeMarked's: where eight bytes stand when those with a bit in the index get a byte before them.
var spreads = func() (t [256]uint16) { //nolint:unused // the assembly reads it
	for marks := range t {
		for i := range 8 {
			t[marks] |= 1 << (i + bits.OnesCount8(uint8(marks)<<(7-i)))
		}
	}
	return t
}()
