package recordjson

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// text is one string as it stands in the body, checked, with its size in bytes after unescaping.
type text struct {
	raw  []byte // between the quotes; or what is to be taken as it is
	size int
	// escapes is where the scanner's starts tell of this text: first from where in raw, then 64 bytes of raw a word, a
	// bit for every backslash that starts an escape. It means nothing when size is that of raw.
	escapes int
	// hard tells that there are escapes of other bytes than quotes and backslashes.
	hard bool
}

func verbatim(raw []byte) text { return text{raw: raw, size: len(raw)} }

func (t *text) escaped() bool { return t.size != len(t.raw) }

// text reads the string whose opening quote stands at s.i.
func (s *scanner) text() (text, *Error) {
	start := s.i + 1
	end := plainEnd(s.p, start)
	if end < len(s.p) && s.p[end] == '"' {
		s.i = end + 1
		return verbatim(s.p[start:end]), nil
	}
	return s.hardText(start, end)
}

// str is text for short strings: it gives their bytes, in the body, or unescaped in the scratch.
func (s *scanner) str() ([]byte, *Error) {
	start := s.i + 1
	for i := start; i+8 <= len(s.p); i += 8 {
		m := notPlain(binary.LittleEndian.Uint64(s.p[i:]))
		if m == 0 {
			continue
		}
		if i += bits.TrailingZeros64(m) >> 3; s.p[i] != '"' {
			return s.hardString(start, i)
		}
		s.i = i + 1
		return s.p[start:i], nil
	}
	return s.hardString(start, plainEnd(s.p, start)) // near the end of the body
}

func (s *scanner) hardString(start, from int) ([]byte, *Error) {
	mark := len(s.starts)
	t, err := s.hardText(start, from)
	if err != nil || !t.escaped() {
		return t.raw, err
	}
	n := len(s.scratch)
	s.scratch = s.appendText(slices.Grow(s.scratch, t.size+overshoot), &t)
	s.starts = s.starts[:mark]
	return s.scratch[n:len(s.scratch):len(s.scratch)], nil
}

// hardText goes on at the first byte that is not plain.
func (s *scanner) hardText(start, first int) (t text, err *Error) {
	q := scanned{end: first, high: first < len(s.p) && s.p[first] >= 0x80}
	if q.high {
		q.end = textEnd(s.p, first)
	}
	t.escapes = len(s.starts)
	if q.end >= len(s.p) || s.p[q.end] != '"' {
		s.starts = append(s.starts, uint64(q.end-start))
		if err = s.blocks(&q); err != nil {
			return t, err
		}
	}
	if q.high && !utf8.Valid(s.p[first:q.end]) {
		return t, s.syntax(start, "a string is not valid UTF-8")
	}
	s.i = q.end + 1
	t.raw = s.p[start:q.end]
	t.size = len(t.raw) - q.saved
	t.hard = q.hard
	return t, nil
}

// scanned is what is known of a string up to end.
type scanned struct {
	end   int
	saved int // bytes that unescaping saves
	high  bool
	hard  bool // as in text
}

// blocks moves q.end to the closing quote, block by block, and keeps in s.starts where escapes start.
func (s *scanner) blocks(q *scanned) *Error {
	var (
		spare [blockSize]byte
		carry uint64
		low   int
	)
	for ; ; q.end += blockSize {
		c := classify(block(s.p, q.end, &spare))
		starts, after, out := escapes(c.backslashes, carry)
		size := bits.TrailingZeros64(c.quotes &^ after)
		if first := bits.TrailingZeros64(c.controls); first < size {
			return s.badByte(q.end + first)
		}
		inside := uint64(1)<<size - 1
		s.starts = append(s.starts, starts&inside)
		q.saved += bits.OnesCount64(starts & inside)
		if others := after & inside &^ (c.quotes | c.backslashes); others != 0 {
			q.hard = true
			more, err := s.checkEscapes(q.end, others, &low)
			if err != nil {
				return err
			}
			q.saved += more
		}
		carry, q.high = out, q.high || c.high != 0
		if size < blockSize {
			q.end += size
			return nil
		}
	}
}

// badByte is about a control byte in a string, or the zeros after the body's end.
func (s *scanner) badByte(at int) *Error {
	if at >= len(s.p) {
		return s.syntax(len(s.p), "the body ends within a string")
	}
	if s.lines && s.p[at] == '\n' {
		return s.syntax(at, "the line ends within a string")
	}
	return s.syntax(at, "a control character in a string must be escaped")
}

// checkEscapes looks at escaped bytes other than quotes and backslashes, and gives the bytes that unescaping saves
// beyond one for each. low is the position of the u that must be the second half of a surrogate pair.
func (s *scanner) checkEscapes(at int, marks uint64, low *int) (saved int, err *Error) {
	for ; marks != 0; marks &= marks - 1 {
		j := at + bits.TrailingZeros64(marks)
		switch {
		case s.p[j] == 'u':
			n, ok := unicodeSaving(s.p, j, low)
			if !ok {
				return 0, s.syntax(j-1, `a \u escape needs four hex digits, and a surrogate its other half`)
			}
			saved += n
		case unescaped[s.p[j]] == 0:
			return 0, s.syntax(j-1, "unknown escape in a string")
		}
	}
	return saved, nil
}

// unicodeSaving checks the escape whose u stands at j: what it saves beyond one byte.
func unicodeSaving(p []byte, j int, low *int) (saved int, ok bool) {
	r, ok := hex4(p, j+1)
	switch {
	case !ok:
		return 0, false
	case r < 0x80:
		return 4, true
	case r < 0x800:
		return 3, true
	case isLow(r):
		return 0, j == *low
	case !isHigh(r):
		return 2, true
	}
	if j+6 >= len(p) || p[j+5] != '\\' || p[j+6] != 'u' {
		return 0, false
	}
	*low = j + 6
	second, ok := hex4(p, j+7)
	return 6, ok && isLow(second) // twelve bytes become four, two are counted already
}

func isHigh(r rune) bool { return r&^0x3ff == 0xd800 }
func isLow(r rune) bool  { return r&^0x3ff == 0xdc00 }

// hex4 reads the four hex digits from p[i] on.
func hex4(p []byte, i int) (rune, bool) {
	if i+4 > len(p) {
		return 0, false
	}
	a, b, c, d := hexDigit[p[i]], hexDigit[p[i+1]], hexDigit[p[i+2]], hexDigit[p[i+3]]
	return rune(a)<<12 | rune(b)<<8 | rune(c)<<4 | rune(d), (a|b|c|d)&0xf0 == 0
}

// hexDigit is a hex digit's value, 0xff for all other bytes.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := byte(0); i < 10; i++ {
		t['0'+i] = i
	}
	for i := byte(0); i < 6; i++ {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()
