package recordjson

import (
	"math/bits"
	"unicode/utf8"
)

// overshoot is how many bytes past the last one appendText may write over.
const overshoot = windowOut

// appendText appends what t means, and is sure to succeed. dst must have room for t.size and overshoot.
func (s *scanner) appendText(dst []byte, t *text) []byte {
	if !t.escaped() {
		return append(dst, t.raw...)
	}
	starts := s.starts[t.escapes:]
	from, end := int(starts[0]), len(dst)+t.size
	dst = append(dst, t.raw[:from]...)
	n, out := len(dst), dst[:end+overshoot]
	src := t.raw[:cap(t.raw)]
	var (
		u     unescaper
		spare [windowIn]byte
	)
	for at := from; at < len(t.raw); at += blockSize {
		starts = starts[1:]
		in, to, size := window(src, at, &spare), (*[windowOut]byte)(out[n:]), min(len(t.raw)-at, blockSize)
		if t.hard || !hasBlocks {
			n += u.block(to, in, starts[0], size)
		} else {
			n += keepMarked(to, in, (1<<size-1)&^starts[0])
		}
	}
	return out[:end]
}

// unescaper is what reaches from one block into the next.
type unescaper struct {
	skip int  // bytes of the block that belong to an escape before it
	high rune // first half of a surrogate pair, 0 when none is pending
}

// block unescapes the first size bytes of src, where starts has a bit for every backslash that starts an escape.
func (u *unescaper) block(dst *[windowOut]byte, src *[windowIn]byte, starts uint64, size int) (n int) {
	done := u.skip
	for ; starts != 0; starts &= starts - 1 {
		start := bits.TrailingZeros64(starts) & windowMask
		n = copyRun(dst, n, src, done, start)
		if c := src[start+1]; c != 'u' {
			dst[n&outMask] = unescaped[c]
			n++
			done = start + 2
			continue
		}
		n += u.unicode(dst[n&outMask:], src[start+2:])
		done = start + 6
	}
	u.skip = max(done-size, 0)
	return copyRun(dst, n, src, done, max(size, done))
}

// unicode writes what the four hex digits mean, and gives its size in bytes.
func (u *unescaper) unicode(dst, hex []byte) int {
	r, _ := hex4(hex, 0)
	if isHigh(r) {
		u.high = r
		return 0
	}
	if u.high != 0 {
		r = 0x10000 + (u.high-0xd800)<<10 + (r - 0xdc00)
		u.high = 0
	}
	return utf8.EncodeRune(dst, r)
}

// unescaped is what the byte after a backslash stands for, 0 where there is no such escape.
var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}
