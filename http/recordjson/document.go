package recordjson

import (
	"bytes"
	"fmt"
)

// document reads {"records":[...]}.
func (d *Decoder) document() *Error {
	if d.peek() != '{' {
		return d.notDocument()
	}
	found := false
	for more := d.open('}'); more; {
		name, err := d.name()
		if err == nil && string(name) == "records" {
			if found {
				return d.repeated(name)
			}
			found = true
			err = d.records()
		} else if err == nil {
			err = d.unknownInBody(name)
		}
		if err != nil {
			return err
		}
		if more, err = d.more('}'); err != nil {
			return err
		}
	}
	if err := d.closeNames(0); err != nil {
		return err
	}
	if d.peek(); d.i < len(d.p) {
		return d.syntax(d.i, "something follows the body's end (one record a line is application/x-ndjson)")
	}
	if !found {
		return d.wrong("records", `the body has no member "records"; wrap it: {"records":[{"value":...}]}`)
	}
	return d.someRecords()
}

func (d *Decoder) notDocument() *Error {
	if d.i >= len(d.p) {
		return d.syntax(0, "the body is empty")
	}
	if d.hasByteOrderMark() {
		return d.syntax(0, byteOrderMark)
	}
	return d.wrongType("", `the body must be an object with a member "records"`)
}

const byteOrderMark = "a byte order mark is not allowed"

func (d *Decoder) hasByteOrderMark() bool { return bytes.HasPrefix(d.p, []byte("\xef\xbb\xbf")) }

// records reads the array, and counts on after the limit.
func (d *Decoder) records() *Error {
	if d.peek() != '[' {
		return d.wrongType("records", `"records" must be an array`)
	}
	limit, count := d.target.Limits.Records, 0
	for more := d.open(']'); more; count++ {
		err := d.element(limit > 0 && count >= limit)
		if err != nil {
			return err
		}
		if more, err = d.more(']'); err != nil {
			return err
		}
	}
	d.index = -1
	if limit > 0 && count > limit {
		return d.tooLarge("records", "the body", "records", limit, count)
	}
	return nil
}

func (d *Decoder) element(surplus bool) *Error {
	d.index++
	if surplus {
		return d.skip()
	}
	return d.record()
}

// ndjson reads one record a line.
func (d *Decoder) ndjson() *Error {
	if d.hasByteOrderMark() {
		d.index = 0
		return d.syntax(0, byteOrderMark)
	}
	for d.peek(); d.i < len(d.p); d.peek() {
		if d.p[d.i] == '\n' {
			d.i++
			continue
		}
		d.index++
		if err := d.record(); err != nil {
			return err
		}
		if c := d.peek(); c != '\n' && d.i < len(d.p) {
			return d.secondOnLine(c)
		}
	}
	d.index = -1
	return d.someRecords()
}

func (d *Decoder) secondOnLine(c byte) *Error {
	switch c {
	case '{', '[', '"', '-', 't', 'f', 'n', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return d.syntax(d.i, "a second value on one line; with curl use --data-binary, because -d strips line feeds")
	}
	return d.syntax(d.i, fmt.Sprintf("%q where the line should end", c))
}

func (d *Decoder) someRecords() *Error {
	if d.req.Count == 0 {
		return d.outOfRange("records", "the body has no record")
	}
	return nil
}
