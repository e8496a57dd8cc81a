package recordjson

import "flashq/segment/batch"

// headers reads both forms, and null.
func (d *Decoder) headers() *Error {
	var err *Error
	switch d.peek() {
	case '{':
		err = d.headerObject()
	case '[':
		err = d.headerList()
	case 'n':
		return d.literal("null")
	default:
		err = d.wrongType("headers", `"headers" must be an object, a list or null`)
	}
	if err != nil {
		return err
	}
	if limit := d.target.Limits.Headers; limit > 0 && d.rec.headerCount > limit {
		return d.tooLarge("headers", "the record", "headers", limit, d.rec.headerCount)
	}
	return nil
}

// headerObject reads {"name":"value",...}.
func (d *Decoder) headerObject() *Error {
	names := len(d.names)
	for more := d.open('}'); more; {
		name, err := d.name()
		if err != nil {
			return err
		}
		value, err := d.stringMember("headers", "must have strings as values; use the list form for null")
		if err != nil {
			return err
		}
		d.names = append(d.names, name)
		if err := d.addHeader(name, value); err != nil {
			return err
		}
		if more, err = d.more('}'); err != nil {
			return err
		}
	}
	return d.closeNames(names)
}

// headerList reads [{"key":"name","value":"x"},...].
func (d *Decoder) headerList() *Error {
	for more := d.open(']'); more; {
		if d.peek() != '{' {
			return d.wrongType("headers", `"headers" must list objects with "key" and "value" or "value_base64"`)
		}
		err := d.headerItem()
		if err == nil {
			more, err = d.more(']')
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// item is one entry of the list form while it is read.
type item struct {
	seen       uint8
	key, value []byte // a nil value is null
}

func (d *Decoder) headerItem() *Error {
	var it item
	names := len(d.names)
	for more := d.open('}'); more; {
		name, err := d.name()
		if err == nil {
			err = d.headerMember(&it, name)
		}
		if err == nil {
			more, err = d.more('}')
		}
		if err != nil {
			return err
		}
	}
	if err := d.closeNames(names); err != nil {
		return err
	}
	switch it.seen {
	case sawKey | sawValue, sawKey | sawValueBase64, sawKeyBase64 | sawValue, sawKeyBase64 | sawValueBase64:
	default:
		return d.wrong("headers", `a listed header needs "key" and one of "value" and "value_base64"`)
	}
	return d.addHeader(it.key, it.value)
}

func (d *Decoder) headerMember(it *item, name []byte) (err *Error) {
	bit := uint8(0)
	switch string(name) {
	case "key":
		bit = sawKey
	case "value":
		bit = sawValue
	case "key_base64":
		bit = sawKeyBase64
	case "value_base64":
		bit = sawValueBase64
	default:
		return d.unknownInHeader(name)
	}
	if it.seen&bit != 0 {
		return d.repeated(name)
	}
	it.seen |= bit
	switch {
	case bit == sawKey:
		it.key, err = d.stringMember("headers", `must have strings as "key"`)
	case bit == sawKeyBase64:
		const must = `must have strings as "key_base64"`
		it.key, err = d.base64Member("headers", must, "headers", "a header's name", d.target.Limits.KeyBytes)
	case bit == sawValue && d.null():
	case bit == sawValue:
		it.value, err = d.stringMember("headers", `must have strings or null as "value"`)
	default:
		const must = `must have strings as "value_base64"`
		it.value, err = d.base64Member("headers", must, "headers", "a header's value", d.target.Limits.HeaderBytes)
	}
	return err
}

// addHeader keeps one header; a nil value is null.
func (d *Decoder) addHeader(name, value []byte) *Error {
	limits := &d.target.Limits
	if err := d.within("headers", "a header's name", len(name), limits.KeyBytes); err != nil {
		return err
	}
	if err := d.within("headers", "a header's value", len(value), limits.HeaderBytes); err != nil {
		return err
	}
	r := &d.rec
	if r.headerCount++; limits.Headers > 0 && r.headerCount > limits.Headers {
		return nil // counted, to be reported
	}
	r.headers = append(r.headers, batch.Header{Key: name, Value: value})
	size := len(value)
	if value == nil {
		size = -1
	}
	r.headerBytes += batch.HeaderSizeOf(len(name), size)
	return nil
}
