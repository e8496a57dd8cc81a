package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// recordEncoder turns a line of text into a record of NDJSON. All bytes survive: what is not UTF-8 goes as base64.
type recordEncoder struct {
	delimiter  []byte // what ends a line's key; nil: lines have none
	tombstones bool   // an empty value is null, and an empty key none
	tail       []byte // what is the same in all records: headers, a key
}

func newRecordEncoder(delimiter string, key *string, headers []string, tombstones bool) *recordEncoder {
	e := &recordEncoder{delimiter: []byte(delimiter), tombstones: tombstones}
	if key != nil {
		e.tail = appendBytes(append(e.tail, ','), "key", []byte(*key))
	}
	for i, h := range headers {
		name, value, _ := strings.Cut(h, "=")
		start := `,"headers":[`
		if i > 0 {
			start = ","
		}
		e.tail = appendBytes(append(e.tail, start+"{"...), "key", []byte(name))
		e.tail = append(appendBytes(append(e.tail, ','), "value", []byte(value)), '}')
	}
	if len(headers) > 0 {
		e.tail = append(e.tail, ']')
	}
	return e
}

// append adds the record that a line stands for. As in kcat, the key is all before the first delimiter, and a line
// without one is a value without a key.
func (e *recordEncoder) append(body, line []byte) []byte {
	body = append(body, '{')
	value := line
	if len(e.delimiter) > 0 {
		if key, rest, ok := bytes.Cut(line, e.delimiter); ok {
			value = rest
			if len(key) > 0 || !e.tombstones {
				body = append(appendBytes(body, "key", key), ',')
			}
		}
	}
	if len(value) == 0 && e.tombstones {
		body = append(body, `"value":null`...)
	} else {
		body = appendBytes(body, "value", value)
	}
	body = append(body, e.tail...)
	return append(body, "}\n"...)
}

// appendBytes adds a member of JSON that keeps any bytes.
func appendBytes(body []byte, name string, p []byte) []byte {
	start := len(body)
	body = append(append(append(body, '"'), name...), `":`...)
	if isPlain(p) {
		return append(append(append(body, '"'), p...), '"')
	}
	quoted, err := jsontext.AppendQuote(body, p)
	if err == nil {
		return quoted
	}
	body = append(append(append(body[:start], '"'), name...), `_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(body, p), '"')
}

// isPlain tells whether JSON has p between quotes as it is: ASCII without controls, quotes and backslashes. It looks at
// eight bytes at a time, since all that is sent passes here.
func isPlain(p []byte) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; len(p) >= 8; p = p[8:] {
		word := binary.LittleEndian.Uint64(p)
		quote, backslash := word^each*'"', word^each*'\\'
		// A byte below n, or a zero, borrows into its high bit; a borrow from the byte before only shows where that one
		// had shown already.
		if (word|(word-each*' ')|(quote-each)|(backslash-each))&high != 0 {
			return false
		}
	}
	for _, b := range p {
		if b < ' ' || b >= 0x80 || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

// delimiterOf reads the escapes that people type for what can't be typed: \t, \0, \x1f.
func delimiterOf(text string) (string, error) {
	if text == `\0` {
		return "\x00", nil
	}
	plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil || plain == "" || strings.Contains(plain, "\n") {
		return "", fmt.Errorf(`-K %q; allowed: what stands between key and value, such as -K: or -K '\t' (\\ is a backslash)`,
			text)
	}
	return plain, nil
}
