package cli

import (
	"io"
	"os"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"
)

// isTerminal tells whether somebody looks at w, whose screen might obey what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// appendSafe adds text as a terminal may show it: control and bidi characters are escaped, and what is not UTF-8. Line
// ends and tabs stay.
func appendSafe(to, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			to = append(to, `\x`...)
			to = append(to, "0123456789abcdef"[text[0]>>4], "0123456789abcdef"[text[0]&15])
		case r == '\n' || r == '\t' || !unprintable(r):
			to = append(to, text[:size]...)
		default:
			quoted := strconv.QuoteRune(r)
			to = append(to, quoted[1:len(quoted)-1]...)
		}
		text = text[size:]
	}
	return to
}

// safeJSON escapes what a terminal might obey so that the JSON still says the same.
func safeJSON(text []byte) []byte {
	var to []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < ' ' || !unprintable(r) { // JSON has none of the first within a string
			to = append(to, text[:size]...)
		} else {
			for _, unit := range utf16.AppendRune(nil, r) {
				hex := strconv.FormatUint(uint64(unit)|1<<16, 16)
				to = append(append(to, `\u`...), hex[1:]...)
			}
		}
		text = text[size:]
	}
	return to
}
