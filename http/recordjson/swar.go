package recordjson

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at as one word: every byte's test ends in that byte's top bit. Words are loaded little endian,
// so the lowest bit that is set belongs to the first byte.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	low7s = 0x7f7f7f7f7f7f7f7f

	quotes8      = '"' * ones
	backslashes8 = '\\' * ones

	blockSize = 64
)

// plainEnd is the index of the first byte from i on that needs a closer look: a quote, a backslash, a control byte, or
// one of 0x80 and above; len(p) when there is none.
//
// Long values take most of a large body's time here, so four words share one test.
func plainEnd(p []byte, i int) int {
	for ; i+32 <= len(p); i += 32 {
		b := (*[32]byte)(p[i:])
		w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
		w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		if (ending(w0)|w0|ending(w1)|w1|ending(w2)|w2|ending(w3)|w3)&highs != 0 {
			break
		}
	}
	for i+8 <= len(p) {
		if m := notPlain(binary.LittleEndian.Uint64(p[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(p) && p[i] >= ' ' && p[i] != '"' && p[i] != '\\' && p[i] < 0x80 {
		i++
	}
	return i
}

// notPlain marks the bytes that plainEnd looks for.
func notPlain(w uint64) uint64 { return (ending(w) | w) & highs }

// ending has the top bit of each quote, backslash and control byte; where w has a top bit itself, it means nothing.
// Flipping bit 1 swaps 0x20 with 0x22, so that one comparison finds quotes and control bytes. A borrow may mark bytes
// above the first hit wrongly, never below it: only the lowest mark counts.
func ending(w uint64) uint64 { return ((w ^ 0x02*ones) - 0x21*ones) | ((w ^ backslashes8) - ones) }

// textEnd is plainEnd with bytes of 0x80 and above allowed.
func textEnd(p []byte, i int) int {
	for i+8 <= len(p) {
		w := binary.LittleEndian.Uint64(p[i:])
		if m := ending(w) &^ w & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(p) && p[i] >= ' ' && p[i] != '"' && p[i] != '\\' {
		i++
	}
	return i
}

// block gives the bytes from p[at] on as one block; behind the end of p it is filled with zeros in spare.
func block(p []byte, at int, spare *[blockSize]byte) *[blockSize]byte {
	if at+blockSize <= len(p) {
		return (*[blockSize]byte)(p[at:])
	}
	n := copy(spare[:], p[min(at, len(p)):])
	clear(spare[n:])
	return spare
}

// classes are the bits of one block that matter in a string, one bit a byte, the first byte lowest.
type classes struct {
	quotes, backslashes uint64
	// control and high are zero if the block has no such byte, anything else if it has.
	control, high uint64
}

func classify(b *[blockSize]byte) classes {
	w0, w1, w2, w3 := word(b, 0), word(b, 8), word(b, 16), word(b, 24)
	w4, w5, w6, w7 := word(b, 32), word(b, 40), word(b, 48), word(b, 56)
	const q, s = quotes8, backslashes8
	return classes{
		quotes: equal(w0, q) | equal(w1, q)<<8 | equal(w2, q)<<16 | equal(w3, q)<<24 |
			equal(w4, q)<<32 | equal(w5, q)<<40 | equal(w6, q)<<48 | equal(w7, q)<<56,
		backslashes: equal(w0, s) | equal(w1, s)<<8 | equal(w2, s)<<16 | equal(w3, s)<<24 |
			equal(w4, s)<<32 | equal(w5, s)<<40 | equal(w6, s)<<48 | equal(w7, s)<<56,
		control: (control(w0) | control(w1) | control(w2) | control(w3) |
			control(w4) | control(w5) | control(w6) | control(w7)) & highs,
		high: (w0 | w1 | w2 | w3 | w4 | w5 | w6 | w7) & highs,
	}
}

// word is the block's eight bytes from i on.
func word(b *[blockSize]byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

// equal has a bit for each of the eight bytes of w that is equal to pattern's.
func equal(w, pattern uint64) uint64 {
	v := w ^ pattern
	return gather(^((v&low7s + low7s) | v) & highs)
}

// control has a top bit set if there is a control byte in w, and none if not; its other bits mean nothing.
func control(w uint64) uint64 { return (w - 0x20*ones) &^ w }

// gather collects top bits into the lowest eight.
func gather(tops uint64) uint64 { return tops * 0x0002040810204081 >> 56 }

// firstControl is the index of the first control byte, blockSize when there is none.
func firstControl(b *[blockSize]byte) int {
	for i, c := range b {
		if c < ' ' {
			return i
		}
	}
	return blockSize
}

// escapes splits the backslashes of one block into those that start an escape; after tells which bytes are escaped by
// one of them, and carry (0 or 1) whether the last one escapes the first byte of the next block.
func escapes(backslashes, carry uint64) (starts, after, carryOut uint64) {
	starts = backslashes &^ carry
	if starts&(starts<<1) != 0 { // runs: every second one is itself escaped
		starts = everySecond(starts)
	}
	return starts, starts<<1 | carry, starts >> 63
}

func everySecond(m uint64) (starts uint64) {
	for m != 0 {
		first := m & -m
		starts |= first
		m &^= first | first<<1
	}
	return starts
}
