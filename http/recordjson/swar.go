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
func plainEnd(p []byte, i int) int {
	if i+16 <= len(p) {
		i += plainBlocks(&p[i], len(p)-i)
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

// block gives the bytes from p[at] on as one block; after the end of p it is filled with zeros in spare.
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
	quotes, backslashes, controls uint64
	high                          uint64 // not zero if there are bytes of 0x80 and above
}

// classify has the classes of a block.
func classify(b *[blockSize]byte) classes {
	if hasBlocks {
		return classifyBlock(b)
	}
	return classifyWords(b)
}

// classifyWords is classify without the processor's help.
func classifyWords(b *[blockSize]byte) (c classes) {
	for i := 0; i < blockSize; i += 8 {
		w := word(b, i)
		c.quotes |= equal(w, quotes8) << i
		c.backslashes |= equal(w, backslashes8) << i
		c.controls |= gather(^((w|highs)-0x20*ones)&^w&highs) << i
		c.high |= w & highs
	}
	return c
}

// word is the block's eight bytes from i on.
func word(b *[blockSize]byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

// equal has a bit for each of the eight bytes of w that is equal to pattern's.
func equal(w, pattern uint64) uint64 {
	v := w ^ pattern
	return gather(^((v&low7s + low7s) | v) & highs)
}

// gather collects top bits into the lowest eight.
func gather(tops uint64) uint64 { return tops * 0x0002040810204081 >> 56 }

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
