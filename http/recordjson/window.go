package recordjson

// Blocks are unescaped and escaped from and to windows of fixed size, so that masked indexes need no other check.
const (
	// windowIn holds a block and what an escape that begins in it may reach, or copyRun.
	windowIn   = 2 * blockSize
	windowMask = blockSize - 1
	// windowOut holds what a block becomes, at most an escape of six bytes for each, and copyRun's reach. The mask must
	// not cut an index.
	windowOut = outMask + 1 + 16
	outMask   = 8*blockSize - 1
)

// window gives the bytes from src[at] on; after the end of src anything may stand.
func window(src []byte, at int, spare *[windowIn]byte) *[windowIn]byte {
	if at+windowIn <= len(src) {
		return (*[windowIn]byte)(src[at:])
	}
	copy(spare[:], src[at:])
	return spare
}

// copyRun copies src[from:to], of one block, to dst[n:]. Short runs, as they stand between escapes, go as 16 bytes.
func copyRun(dst *[windowOut]byte, n int, src *[windowIn]byte, from, to int) int {
	if to-from <= 16 {
		*(*[16]byte)(dst[n&outMask:]) = *(*[16]byte)(src[from&windowMask:])
	} else {
		copy(dst[n&outMask:], src[from:to])
	}
	return n + to - from
}
