package recordjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// escapeText has for each byte that JSON wants escaped the escape in its low bytes and the escape's length on top.
var escapeText = func() (t [256]uint64) {
	for c := range ' ' {
		const hex = "0123456789abcdef"
		t[c] = packEscape(`\u00` + string([]byte{hex[c>>4], hex[c&15]}))
	}
	for c, e := range map[rune]string{
		'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`,
	} {
		t[c] = packEscape(e)
	}
	return t
}()

func packEscape(e string) uint64 {
	var b [8]byte
	copy(b[:], e)
	b[7] = byte(len(e))
	return binary.LittleEndian.Uint64(b[:])
}

// AppendString appends s as a JSON string. What is not valid UTF-8 in it becomes U+FFFD.
func AppendString(dst, s []byte) []byte {
	out, ok := appendQuoted(dst, s)
	if !ok {
		out, _ = appendQuoted(dst, bytes.ToValidUTF8(s, []byte("\uFFFD")))
	}
	return out
}

// appendQuoted appends s as a JSON string; not ok, and dst as it was, if s is not valid UTF-8.
func appendQuoted(dst, s []byte) (out []byte, ok bool) {
	if hasBlocks {
		return appendQuickly(dst, s)
	}
	plain := plainEnd(s, 0)
	dst = append(dst, '"')
	if plain < len(s) {
		return appendEscaped(dst, s, plain)
	}
	dst = append(dst, s...)
	return append(dst, '"'), true
}

// quoteRoom is what quoteText needs at its end.
const quoteRoom = 64

// appendQuickly is appendQuoted with the processor's help: a string is judged and copied in one go.
func appendQuickly(dst, s []byte) (out []byte, ok bool) {
	out = append(slices.Grow(dst, len(s)+quoteRoom+2), '"')
	high := uint32(0)
	for at := 0; ; {
		free, left := out[len(out):cap(out)], s[at:]
		in, size, more := quoteText(unsafe.SliceData(free), len(free), unsafe.SliceData(left), len(left))
		out, at, high = out[:len(out)+size], at+in, high|more
		switch {
		case at == len(s):
			if high != 0 && !utf8.Valid(s) {
				return dst, false
			}
			return append(out, '"'), true
		case len(free)-size < quoteRoom:
			out = slices.Grow(out, len(s)-at+(len(s)-at)/4+2*quoteRoom)
		default:
			out = appendBlock(out, s, at, &high)
			at += min(len(s)-at, blockSize)
		}
	}
}

// appendBlock escapes the block at s[at].
func appendBlock(out, s []byte, at int, high *uint32) []byte {
	var spare [windowIn]byte
	in, size := window(s, at, &spare), min(len(s)-at, blockSize)
	c := classify((*[blockSize]byte)(in[:]))
	if c.high != 0 { // of what stands after the end, too: then there is only more to check
		*high = 1
	}
	out = slices.Grow(out, windowOut)
	n := len(out)
	return out[:n+escapeBlock((*[windowOut]byte)(out[n:n+windowOut]), in, c, size)]
}

// appendEscaped appends s and the closing quote; before from nothing in s needs an escape.
func appendEscaped(dst, s []byte, from int) (out []byte, ok bool) {
	out = append(slices.Grow(dst, len(s)+len(s)/4+windowOut), s[:from]...)
	high := uint32(0)
	for at := from; at < len(s); at += blockSize {
		out = appendBlock(out, s, at, &high)
	}
	if high != 0 && !utf8.Valid(s[from:]) {
		return dst[:len(dst)-1], false
	}
	return append(out, '"'), true
}

// escapeBlock copies the first size bytes of src and escapes what JSON wants escaped.
func escapeBlock(dst *[windowOut]byte, src *[windowIn]byte, c classes, size int) (n int) {
	marks := (c.quotes | c.backslashes | c.controls) & (uint64(1)<<size - 1)
	done := 0
	for ; marks != 0; marks &= marks - 1 {
		next := bits.TrailingZeros64(marks) & windowMask
		n = copyRun(dst, n, src, done, next)
		e := escapeText[src[next]]
		binary.LittleEndian.PutUint64(dst[n&outMask:], e)
		n += int(e >> 56)
		done = next + 1
	}
	return copyRun(dst, n, src, done, size)
}
