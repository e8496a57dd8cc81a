package cli

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"flashq/client"
)

const formatForms = `%t topic, %p partition, %o offset, %T timestamp in ms, %k key, %K its length, %s value, ` +
	`%S its length, %R that in four bytes, %h headers, %%, and \n \r \t \0 \\ \xHH`

// recordFormat is a record's text, as kcat's -f has it.
type recordFormat []formatPiece

// formatPiece is a verb, or text as it is where verb is 0.
type formatPiece struct {
	verb byte
	text []byte
}

func parseFormat(text string) (f recordFormat, err error) {
	var plain []byte
	flush := func() {
		if plain != nil {
			f, plain = append(f, formatPiece{text: plain}), nil
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			b, length, ok := parseEscape(text[i+1:])
			if !ok {
				return nil, fmt.Errorf(`%q has no meaning in -f; allowed: %s`, clip(text[i:], 4), formatForms)
			}
			plain = append(plain, b)
			i += length
		case c != '%':
			plain = append(plain, c)
		case i+1 < len(text) && text[i+1] == '%':
			plain = append(plain, '%')
			i++
		case i+1 < len(text) && strings.IndexByte("tpoTkKsSRh", text[i+1]) >= 0:
			flush()
			f = append(f, formatPiece{verb: text[i+1]})
			i++
		default:
			return nil, fmt.Errorf("%q has no meaning in -f; allowed: %s", clip(text[i:], 2), formatForms)
		}
	}
	flush()
	return f, nil
}

// parseEscape reads what stands after a backslash, and tells how long it is.
func parseEscape(text string) (b byte, length int, ok bool) {
	if text == "" {
		return 0, 0, false
	}
	if i := strings.IndexByte(`nrt0\`, text[0]); i >= 0 {
		return "\n\r\t\x00\\"[i], 1, true
	}
	if text[0] != 'x' || len(text) < 3 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(text[1:3], 16, 8)
	return byte(n), 3, err == nil
}

// has tells whether a verb is used.
func (f recordFormat) has(verb byte) bool {
	for _, piece := range f {
		if piece.verb == verb {
			return true
		}
	}
	return false
}

// append writes a record. What is the record's own goes through show.
func (f recordFormat) append(to []byte, topic string, r *client.Record, show func(to, p []byte) []byte) []byte {
	for _, piece := range f {
		switch piece.verb {
		case 0:
			to = append(to, piece.text...)
		case 't':
			to = append(to, topic...)
		case 'p':
			to = strconv.AppendInt(to, int64(r.Partition), 10)
		case 'o':
			to = strconv.AppendInt(to, r.Offset, 10)
		case 'T':
			to = strconv.AppendInt(to, r.Timestamp.UnixMilli(), 10)
		case 'k':
			to = show(to, r.Key)
		case 'K':
			to = strconv.AppendInt(to, lengthOf(r.Key), 10)
		case 's':
			to = show(to, r.Value)
		case 'S':
			to = strconv.AppendInt(to, lengthOf(r.Value), 10)
		case 'R':
			to = show(to, binary.BigEndian.AppendUint32(nil, uint32(lengthOf(r.Value)))) // -1 is ff ff ff ff
		case 'h':
			to = appendHeaders(to, r.Headers, show)
		}
	}
	return to
}

// lengthOf is -1 for null.
func lengthOf(p []byte) int64 {
	if p == nil {
		return -1
	}
	return int64(len(p))
}

// appendHeaders writes a=1,b=2 as kcat does, with NULL for a header without a value.
func appendHeaders(to []byte, headers []client.Header, show func(to, p []byte) []byte) []byte {
	for i, h := range headers {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(show(to, []byte(h.Key)), '=')
		if h.Value == nil {
			to = append(to, "NULL"...)
		}
		to = show(to, h.Value)
	}
	return to
}
