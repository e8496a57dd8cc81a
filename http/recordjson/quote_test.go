package recordjson

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// quotedByEachByte is what appendQuoted means.
func quotedByEachByte(s []byte) ([]byte, bool) {
	const hex = "0123456789abcdef"
	names := map[byte]string{
		'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`,
	}
	out := []byte{'"'}
	for _, c := range s {
		switch name, named := names[c]; {
		case named:
			out = append(out, name...)
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"'), utf8.Valid(s)
}

// sameQuoted holds appendQuoted against each byte, behind bytes that must stay and with rooms that are too small.
func sameQuoted(t *testing.T, s []byte, room int) {
	t.Helper()
	const before = "kept"
	dst := append(make([]byte, 0, len(before)+room), before...)
	got, ok := appendQuoted(dst, s)
	want, valid := quotedByEachByte(s)
	if !valid {
		want = nil
	}
	if ok != valid || string(got) != before+string(want) {
		t.Fatalf("%q, room %d: %v\n%q, want %v\n%q", s, room, ok, got, valid, want)
	}
}

// eachWay runs a test with the processor's help and without.
func eachWay(t *testing.T, test func(t *testing.T)) {
	t.Run("here", test)
	if hasBlocks {
		t.Cleanup(withoutBlocks())
		t.Run("without blocks", test)
	}
}

// TestQuotedAtEveryPlace puts every byte at every place of strings of every length about the edges of blocks.
func TestQuotedAtEveryPlace(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for size := range 140 {
			s := bytes.Repeat([]byte("a"), size)
			sameQuoted(t, s, size%3*size)
			for at := range size {
				for _, c := range []byte("\x00\x07\b\t\n\v\f\r\x0e\x0f\x10\x18\x1a\x1f !\"#\\]\x7f\x80\xff") {
					s[at] = c
					sameQuoted(t, s, size)
				}
				s[at] = 'a'
			}
		}
	})
}

// TestQuotedOfAnyShape mixes bytes in every density, and text that is not ASCII.
func TestQuotedOfAnyShape(t *testing.T) {
	kinds := []string{
		"\"", "\"\\", "a\"", "aaaaaaaaaaaaaaaa\"", "\n\t\r\b\f", "abc\n", "abcdefgh\x01", "\x01", "ä€😀a", "ä\"\n",
		strings.Repeat("a", 200) + "\n\"\x01", strings.Repeat("a", 400) + "ä",
	}
	eachWay(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 20_000 {
			kind := []rune(kinds[r.IntN(len(kinds))])
			var s []byte
			for range r.IntN(300) {
				c := kind[r.IntN(len(kind))]
				s = utf8.AppendRune(s, c)
			}
			if len(s) > 0 && r.IntN(4) == 0 {
				s[r.IntN(len(s))] = byte(r.Uint32())
			}
			sameQuoted(t, s, r.IntN(400))
		}
	})
}
