//go:build !amd64

package recordjson

import (
	"encoding/binary"
	"unsafe"
)

// hasBlocks tells whether classifyBlock, keepMarked and quoteText can be called: only where they are written for the
// processor.
const hasBlocks = false

func classifyBlock(*[blockSize]byte) classes { panic("recordjson: no block operations here") }

func keepMarked(*[windowOut]byte, *[windowIn]byte, uint64) int {
	panic("recordjson: no block operations here")
}

func quoteText(*byte, int, *byte, int) (in, out int, high uint32) {
	panic("recordjson: no block operations here")
}

// plainBlocks is how many of n bytes plainEnd need not look at: four words share one test.
func plainBlocks(p *byte, n int) int {
	all, i := unsafe.Slice(p, n), 0
	for ; i+32 <= n; i += 32 {
		b := (*[32]byte)(all[i:])
		w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
		w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		if (ending(w0)|w0|ending(w1)|w1|ending(w2)|w2|ending(w3)|w3)&highs != 0 {
			break
		}
	}
	return i
}
