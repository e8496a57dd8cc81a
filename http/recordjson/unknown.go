package recordjson

import "flashq/http/near"

// What may stand in a body, in a record and in a listed header. A typo must not mean silently that something is lost.
var (
	bodyNames   = []string{"records"}
	recordNames = []string{
		"key", "key_base64", "value", "value_base64", "value_text", "headers", "timestamp", "partition", "offset",
	}
	headerNames = []string{"key", "key_base64", "value", "value_base64"}
)

func (d *Decoder) unknownInBody(name []byte) *Error {
	if d.target.Lenient {
		return d.skipMember(name)
	}
	shown := shorten(name)
	if err := d.skip(); err != nil {
		return err
	}
	return d.outOfRange(shown, `the body has no member "`+shown+`"`+near.Hint(shown, bodyNames))
}

func (d *Decoder) unknownInRecord(name []byte) *Error {
	return d.unknown(name, `a record has no member "`, recordNames)
}

func (d *Decoder) unknownInHeader(name []byte) *Error {
	return d.unknown(name, `a listed header has no member "`, headerNames)
}

func (d *Decoder) unknown(name []byte, what string, known []string) *Error {
	if d.target.Lenient {
		return d.skipMember(name)
	}
	shown := shorten(name)
	if err := d.skip(); err != nil {
		return err
	}
	return d.wrong(shown, what+shown+`"`+near.Hint(shown, known))
}
