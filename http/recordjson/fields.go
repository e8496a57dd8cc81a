package recordjson

import (
	"math"
	"math/bits"
	"slices"

	"flashq/http/recordbody"
)

func (d *Decoder) key() *Error {
	if d.null() {
		return nil
	}
	key, err := d.stringMember("key", "must be a string or null")
	if err != nil {
		return err
	}
	return d.setKey("key", key)
}

func (d *Decoder) keyBase64() *Error {
	if d.null() {
		return nil
	}
	key, err := d.base64Member("key_base64", "must be a string or null", "key", "the key", d.target.Limits.KeyBytes)
	if err != nil {
		return err
	}
	return d.setKey("key_base64", key)
}

func (d *Decoder) setKey(field string, key []byte) *Error {
	if d.rec.key != nil {
		return d.wrong(field, `a record has "key" or "key_base64", not both`)
	}
	d.rec.key = key
	return d.within("key", "the key", len(key), d.target.Limits.KeyBytes)
}

// value takes a string's bytes, and of anything else its exact text.
func (d *Decoder) value() *Error {
	if d.null() {
		d.rec.null = true
		return d.setValue("value", text{})
	}
	if d.peek() == '"' {
		t, err := d.text()
		if err != nil {
			return err
		}
		return d.setValue("value", t)
	}
	raw, err := d.raw()
	if err != nil {
		return err
	}
	return d.setValue("value", verbatim(raw))
}

func (d *Decoder) valueText() *Error {
	if d.peek() != '"' {
		return d.wrongType("value_text", `"value_text" must be a string`)
	}
	t, err := d.text()
	if err != nil {
		return err
	}
	return d.setValue("value_text", t)
}

func (d *Decoder) valueBase64() *Error {
	limit := d.target.Limits.ValueBytes
	value, err := d.base64Member("value_base64", "must be a string", "value", "the value", limit)
	if err != nil {
		return err
	}
	return d.setValue("value_base64", verbatim(value))
}

func (d *Decoder) setValue(field string, t text) *Error {
	if bits.OnesCount16(d.rec.seen&anyValue) > 1 {
		return d.wrong(field, `a record has only one of "value", "value_text" and "value_base64"`)
	}
	d.rec.value = t
	return d.within("value", "the value", t.size, d.target.Limits.ValueBytes)
}

func (d *Decoder) timestamp() *Error {
	if d.null() {
		return nil
	}
	var ms int64
	clock := recordbody.ClientClock
	switch c := d.peek(); {
	case c == '"':
		str, err := d.str()
		if err != nil {
			return err
		}
		clock = recordbody.ClockOf(str)
		var ok bool
		if ms, ok = ParseTime(str, d.target.Now); !ok {
			return d.outOfRange("timestamp", `"timestamp" is no time: RFC 3339, milliseconds, or relative like -15m`)
		}
	case c == '-' || isDigit(c):
		var err *Error
		if ms, err = d.integer("timestamp"); err != nil {
			return err
		}
	default:
		return d.wrongType("timestamp", `"timestamp" must be a string, an integer or null`)
	}
	d.rec.timestamp, d.rec.clock = ms, clock
	switch {
	case ms < 0:
		return d.outOfRange("timestamp", `"timestamp" is before 1970`)
	case ms > d.target.Now+recordbody.MaxAhead:
		return d.outOfRange("timestamp", `"timestamp" is more than an hour in the future`)
	}
	return nil
}

func (d *Decoder) partition() *Error {
	if d.null() {
		return nil
	}
	if c := d.peek(); c != '-' && !isDigit(c) {
		return d.wrongType("partition", `"partition" must be an integer or null`)
	}
	n, err := d.integer("partition")
	switch {
	case err != nil:
		return err
	case n < 0:
		return d.outOfRange("partition", `"partition" is negative`)
	case n >= int64(d.target.Partitions):
		return d.noPartition(int(min(n, math.MaxInt)), d.target.Partitions)
	}
	d.rec.partition = int(n)
	return nil
}

// integer reads a number that must be one; what no int64 holds becomes the nearest that one does.
func (d *Decoder) integer(field string) (int64, *Error) {
	start := d.i
	integer, err := d.number()
	if err != nil {
		return 0, err
	}
	if !integer {
		return 0, d.wrong(field, `"`+field+`" must be an integer, without fraction or exponent`)
	}
	n, ok := parseInteger(d.p[start:d.i])
	if !ok {
		n = math.MaxInt64
		if d.p[start] == '-' {
			n = math.MinInt64
		}
	}
	return n, nil
}

// stringMember reads a string, and nothing else.
func (d *Decoder) stringMember(field, must string) ([]byte, *Error) {
	if d.peek() != '"' {
		return nil, d.wrongType(field, `"`+field+`" `+must)
	}
	return d.str()
}

// base64Member reads a string of base64 and decodes it into the scratch; limited and what name the limit.
func (d *Decoder) base64Member(field, must, limited, what string, limit int) ([]byte, *Error) {
	coded, err := d.stringMember(field, must)
	if err != nil {
		return nil, err
	}
	if err := d.within(limited, what, base64Size(coded), limit); err != nil {
		return nil, err
	}
	n := len(d.scratch)
	out, ok := appendBase64Decoded(slices.Grow(d.scratch, base64Room(coded)), coded)
	if !ok {
		return nil, d.wrong(field, `"`+field+`" is not standard base64 with padding`)
	}
	d.scratch = out
	return out[n:len(out):len(out)], nil
}

// within checks a size in bytes against a limit, 0 = none.
func (d *Decoder) within(field, what string, size, limit int) *Error {
	if limit > 0 && size > limit {
		return d.tooLarge(field, what, "bytes", limit, size)
	}
	return nil
}
