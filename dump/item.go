package dump

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Item is one thing that a file says.
type Item struct {
	File   string
	Type   string
	Within bool // it stands within the item before it, as a record in its batch
	Fields []Field
}

// Field is one part of an item. Its value is one of the types below, an integer, a bool, or a string that comes from
// the file.
type Field struct {
	Name  string
	Value any
}

type (
	// Words are FlashQ's own.
	Words string
	// Bytes are a key or a value; nil is null.
	Bytes []byte
	// Millis is a time in milliseconds.
	Millis int64
	// Headers are those of a record.
	Headers []Header
)

// Header is one of a record's headers.
type Header struct{ Key, Value []byte }

// String shows a time as the API does, and as a number where it is in no year of four digits.
func (m Millis) String() string {
	if t := time.UnixMilli(int64(m)).UTC(); m >= 0 && t.Year() <= 9999 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return strconv.FormatInt(int64(m), 10)
}

// AppendText appends an item as a line for people: its type, then each name with its value. Nothing in it moves a
// terminal.
func (it Item) AppendText(p []byte) []byte {
	if it.Within {
		p = append(p, "| "...)
	}
	p = append(p, it.Type...)
	if it.Type == "file" {
		p = appendText(append(p, ' '), it.File)
	}
	for _, f := range it.Fields {
		p = append(p, ' ')
		p = append(p, f.Name...)
		p = append(p, ": "...)
		p = appendText(p, f.Value)
	}
	return append(p, '\n')
}

func appendText(p []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		if v != "" && !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == '"' || !isPlain(r) }) {
			return append(p, v...)
		}
		return append(p, quote(v)...)
	case Bytes:
		if v == nil {
			return append(p, "null"...)
		}
		return append(p, quote(string(v))...)
	case Headers:
		p = append(p, '[')
		for i, h := range v {
			if i > 0 {
				p = append(p, ", "...)
			}
			p = append(appendText(p, string(h.Key)), '=')
			p = appendText(p, Bytes(h.Value))
		}
		return append(p, ']')
	default:
		return fmt.Append(p, v)
	}
}

// quote shows text of others on one line: as it is between backquotes where quotes in it would be hard to read.
func quote(s string) string {
	if strings.Contains(s, `"`) && strconv.CanBackquote(s) && !strings.ContainsFunc(s, isHidden) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func isPlain(r rune) bool  { return r != utf8.RuneError && unicode.IsPrint(r) }
func isHidden(r rune) bool { return !isPlain(r) }

// AppendJSON appends an item as one line of JSON. What is not UTF-8 comes as the API has it, in base64 under a name
// that says so.
func (it Item) AppendJSON(p []byte) []byte {
	p = append(p, `{"type":`...)
	p = appendString(p, it.Type)
	p = append(p, `,"file":`...)
	p = appendString(p, it.File)
	for _, f := range it.Fields {
		p = append(p, ',')
		p = appendMember(p, f.Name, f.Value)
	}
	return append(p, "}\n"...)
}

func appendMember(p []byte, name string, value any) []byte {
	b, isBytes := value.(Bytes)
	if isBytes && b != nil && !utf8.Valid(b) {
		p = append(appendString(p, name+"_base64"), ':', '"')
		return append(base64.StdEncoding.AppendEncode(p, b), '"')
	}
	p = append(appendString(p, name), ':')
	switch v := value.(type) {
	case string:
		return appendString(p, v)
	case Words:
		return appendString(p, string(v))
	case Millis:
		return appendString(p, v.String())
	case Bytes:
		if v == nil {
			return append(p, "null"...)
		}
		return appendString(p, string(v))
	case Headers:
		return appendHeaders(p, v)
	default:
		return fmt.Append(p, v)
	}
}

func appendHeaders(p []byte, headers Headers) []byte {
	p = append(p, '[')
	for i, h := range headers {
		if i > 0 {
			p = append(p, ',')
		}
		p = appendMember(append(p, '{'), "key", Bytes(h.Key))
		p = appendMember(append(p, ','), "value", Bytes(h.Value))
		p = append(p, '}')
	}
	return append(p, ']')
}

// appendString appends a string of JSON. What can't be seen is escaped as well: JSON on a terminal is text on a
// terminal.
func appendString(p []byte, s string) []byte {
	p = append(p, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			p = append(p, '\\', byte(r))
		case r == utf8.RuneError || unicode.IsPrint(r):
			p = utf8.AppendRune(p, r)
		case r > 0xffff:
			r -= 0x10000
			p = fmt.Appendf(p, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			p = fmt.Appendf(p, `\u%04x`, r)
		}
	}
	return append(p, '"')
}
