package recordjson

import "golang.org/x/sys/cpu"

// hasBlocks tells whether classifyBlock, keepMarked and quoteText can be called: their instructions are in every
// server's processor since 2013, but not in the architecture's baseline. Tests alone change it.
var hasBlocks = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// plainBlocks is the index of the first of n bytes that plainEnd looks for, or, where whole blocks of 16 have none, of
// the rest after them.
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

// quoteText writes the n bytes at src as they stand in a JSON string, and gives how many it took and wrote, and whether
// there are bytes of 0x80 and above, not zero then. It ends early where less than quoteRoom is left, and before 32
// bytes with a control byte that has no short escape. It may write over all of the room.
//
//go:noescape
func quoteText(dst *byte, room int, src *byte, n int) (in, out int, high uint32)

// expansions are quoteText's: how eight bytes, with a backslash after them, are shuffled so that those with a bit in
// the index get one before them.
var expansions = func() (t [256][16]byte) { //nolint:unused // the assembly reads it
	const backslash = 8
	for marks := range t {
		n := 0
		for i := range 8 {
			if marks>>i&1 == 1 {
				t[marks][n] = backslash
				n++
			}
			t[marks][n] = byte(i)
			n++
		}
	}
	return t
}()
