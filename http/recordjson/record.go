package recordjson

import (
	"flashq/http/recordbody"
	"flashq/segment/batch"
)

// Members of a record object, as bits of what was seen.
const (
	sawKey = 1 << iota
	sawKeyBase64
	sawValue
	sawValueBase64
	sawHeaders
	sawTimestamp
	sawPartition
	sawOffset
	sawValueText

	anyValue = sawValue | sawValueText | sawValueBase64
)

// record is what was read of one record object. Its slices point into the body or the scratch.
type record struct {
	seen      uint16
	key       []byte // nil: none
	value     text
	null      bool // the value is a tombstone
	partition int  // -1: none given
	timestamp int64
	clock     recordbody.Clock // of timestamp
	headers   []batch.Header
	// headerCount counts on after the limit, where headers are no longer kept.
	headerCount int
	headerBytes int // encoded, without their count
}

// reset makes r ready for the next record.
func (r *record) reset(now int64) {
	clear(r.headers)
	*r = record{partition: -1, timestamp: now, headers: r.headers[:0]}
}

// forget drops what points into the body.
func (r *record) forget() {
	r.reset(0)
	if cap(r.headers) > maxKept/64 {
		r.headers = nil
	}
}

// record reads the record object at d.i and appends it to its partition's batch.
func (d *Decoder) record() *Error {
	if d.peek() != '{' {
		return d.wrongType("", "a record must be an object")
	}
	start, scratch, names := d.i, len(d.scratch), len(d.names)
	d.rec.reset(d.target.Now)
	d.starts = d.starts[:0]
	for more := d.open('}'); more; {
		name, err := d.name()
		if err == nil {
			err = d.member(name)
		}
		if err == nil {
			more, err = d.more('}')
		}
		if err != nil {
			return err
		}
	}
	if err := d.closeRecord(names); err != nil {
		return err
	}
	if err := d.place(d.i - start); err != nil {
		return err
	}
	d.scratch = d.scratch[:scratch]
	return nil
}

// member reads the value of one member of a record.
func (d *Decoder) member(name []byte) *Error {
	bit, read := uint16(0), (*Decoder).key
	switch string(name) {
	case "key":
		bit = sawKey
	case "value":
		bit, read = sawValue, (*Decoder).value
	case "headers":
		bit, read = sawHeaders, (*Decoder).headers
	case "timestamp":
		bit, read = sawTimestamp, (*Decoder).timestamp
	case "partition":
		bit, read = sawPartition, (*Decoder).partition
	case "key_base64":
		bit, read = sawKeyBase64, (*Decoder).keyBase64
	case "value_base64":
		bit, read = sawValueBase64, (*Decoder).valueBase64
	case "value_text": // what an answer calls a string beside values that are JSON
		bit, read = sawValueText, (*Decoder).valueText
	case "offset": // what was fetched may be sent again, and goes to another place
		bit, read = sawOffset, (*Decoder).skipOffset
	default:
		return d.unknownInRecord(name)
	}
	if d.rec.seen&bit != 0 {
		return d.repeated(name)
	}
	d.rec.seen |= bit
	return read(d)
}

// closeRecord judges the record as a whole.
func (d *Decoder) closeRecord(names int) *Error {
	if len(d.names) > names {
		if err := d.closeNames(names); err != nil {
			return err
		}
	}
	if d.rec.seen&anyValue == 0 {
		return d.wrong("value", `a record needs "value" or "value_base64"`)
	}
	return nil
}

func (d *Decoder) skipOffset() *Error {
	if c := d.peek(); c != '-' && !isDigit(c) {
		return d.wrongType("offset", `"offset" must be an integer, and means nothing here`)
	}
	_, err := d.integer("offset")
	return err
}
