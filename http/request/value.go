package request

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"flashq/http/fault"
	"flashq/http/recordjson"
	"flashq/http/schema"
)

// Value is what a query says of one parameter. Its text must not be kept.
type Value struct {
	Name string
	Type *schema.Schema // what it may be
	Text []byte
	Now  int64 // the broker's clock, milliseconds, for relative times
}

// Bad refuses the value; why continues "Query parameter 'x' ...".
func (v Value) Bad(why string) error { return BadParam(v.Name, why) }

// Int reads an integer within the bounds of its type.
func (v Value) Int() (int, error) {
	n, ok := Digits(v.Text)
	low, high := *v.Type.Minimum, *v.Type.Maximum
	if !ok || n < low || n > high {
		return 0, fault.InvalidParameter.New("Query parameter '"+v.Name+"' must be an integer from "+
			strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10),
			fault.Details{"parameter": v.Name, "min": low, "max": high})
	}
	return int(n), nil
}

// Word reads one of the words of its type.
func (v Value) Word() (string, error) {
	for _, word := range v.Type.Enum {
		if word == string(v.Text) {
			return word, nil
		}
	}
	return "", v.Bad("must be " + orList(v.Type.Enum))
}

// orList is "a", "a or b", "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Bool reads true or false.
func (v Value) Bool() (bool, error) {
	switch string(v.Text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, v.Bad("must be true or false")
}

// Time reads a time in any of the contract's forms, as milliseconds.
func (v Value) Time() (int64, error) {
	millis, why := ParseTime(v.Text, v.Now)
	if why != "" {
		return 0, v.Bad(why)
	}
	return millis, nil
}

const noTime = "must be an RFC 3339 time, a date, epoch milliseconds, or relative as -15m, -2h30m, -7d"

// RecordTime reads a record's timestamp, which may be any number of milliseconds: records of 1970 are rare, but may be
// sent again.
func (v Value) RecordTime() (int64, error) {
	millis, ok := recordjson.ParseTime(v.Text, v.Now)
	if !ok {
		return 0, v.Bad(noTime)
	}
	return millis, nil
}

// mostSeconds is up to where a number is rather seconds than milliseconds: as milliseconds it would be in early 1973.
const mostSeconds = 100_000_000_000

// ParseTime reads a time in any of the contract's forms, as milliseconds; why says what is wrong with it, "" is fine. A
// number that would silently mean 1970 is refused.
func ParseTime(text []byte, now int64) (millis int64, why string) {
	millis, ok := recordjson.ParseTime(text, now)
	switch number := IsInteger(text); {
	case !ok:
		return 0, noTime
	case number && text[0] == '-':
		return 0, "has no unit; for a time before now: " + string(text) + "m, " + string(text) + "h or " + string(text) + "d"
	case number && millis > 0 && millis <= mostSeconds:
		return 0, "looks like seconds; in milliseconds: " + string(text) + "000"
	}
	return millis, ""
}

// Partitions reads `0` or `0,2`; a partition that is named twice counts once.
func (v Value) Partitions() ([]int, error) {
	var list []int
	rest := v.Text
	for more := true; more; {
		var item []byte
		item, rest, more = bytes.Cut(rest, []byte{','})
		n, ok := Digits(item)
		if !ok || n > math.MaxInt32 {
			return nil, v.Bad("must be a partition number, or several as 0,2")
		}
		if !slices.Contains(list, int(n)) {
			list = append(list, int(n))
		}
	}
	return list, nil
}

// NameOf reads the name of a topic, a group or a member; field says of which.
func (v Value) NameOf(field string) (string, error) {
	name := string(v.Text)
	return name, CheckName(field, name)
}
