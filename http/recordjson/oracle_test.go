package recordjson_test

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"flashq/http/recordjson"
	"flashq/segment/batch"
)

// The oracle decodes a body slowly, on another implementation of JSON, by the rules as the API's contract words them.
// It knows only whether a body is good, and if so its records.
type oracle struct{ target recordjson.Target }

// repeats lets names stand twice: our own rules about that are narrower than jsontext's.
var repeats = jsontext.AllowDuplicateNames(true)

// values splits a body into the JSON of its records; valid tells whether all of it is JSON.
func (o oracle) values(body []byte, lines bool) (values []jsontext.Value, valid, ok bool) {
	if lines {
		valid = true
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if line = bytes.Trim(line, " \t\r"); len(line) > 0 {
				values = append(values, line)
				valid = valid && jsontext.Value(line).IsValid(repeats)
			}
		}
		return values, valid, valid && len(values) > 0
	}
	document := jsontext.Value(body)
	if !document.IsValid(repeats) {
		return nil, false, false
	}
	members, ok := o.members(document)
	records, found := members["records"]
	if !ok || !found || records.Kind() != '[' || !o.knows(members, "records") {
		return nil, true, false
	}
	values = elements(records)
	return values, true, len(values) > 0 && (o.target.Limits.Records == 0 || len(values) <= o.target.Limits.Records)
}

func (o oracle) records(body []byte, lines bool) (all []record, valid, ok bool) {
	values, valid, ok := o.values(body, lines)
	if !ok {
		return nil, valid, false
	}
	for _, v := range values {
		r, ok := o.record(v)
		if !ok {
			return nil, valid, false
		}
		all = append(all, r)
	}
	return all, valid, true
}

// members are an object's, not ok when it is none or a name stands twice.
func (oracle) members(v jsontext.Value) (members map[string]jsontext.Value, ok bool) {
	if v.Kind() != '{' {
		return nil, false
	}
	members = map[string]jsontext.Value{}
	parts := elements(v)
	for i := 0; i < len(parts); i += 2 {
		name := unquote(parts[i])
		if _, twice := members[string(name)]; twice {
			return nil, false
		}
		members[string(name)] = parts[i+1]
	}
	return members, true
}

// elements are an array's values, or an object's names and values in turn.
func elements(v jsontext.Value) (all []jsontext.Value) {
	d := jsontext.NewDecoder(bytes.NewReader(v), repeats)
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	for d.PeekKind() != ']' && d.PeekKind() != '}' {
		e, err := d.ReadValue()
		if err != nil {
			return nil
		}
		all = append(all, e.Clone())
	}
	return all
}

// unquote gives a string's bytes, never nil.
func unquote(v jsontext.Value) []byte {
	p, err := jsontext.AppendUnquote([]byte{}, v)
	if err != nil {
		panic(err) // it was valid
	}
	return p
}

func (o oracle) record(v jsontext.Value) (r record, ok bool) {
	m, ok := o.members(v)
	if !ok || !o.knows(m, "key", "key_base64", "value", "value_base64", "value_text", "headers", "timestamp", "partition",
		"offset") {
		return r, false
	}
	if offset := m["offset"]; offset != nil && !isInteger(offset) {
		return r, false
	}
	l := o.target.Limits
	var keyed, ok1, ok2, ok3, ok4, ok5 bool
	r.Key, keyed, ok1 = o.either(m, "key", true, l.KeyBytes)
	r.Value, _, ok2 = o.value(m, l.ValueBytes)
	r.Headers, ok3 = o.headers(m["headers"])
	r.Timestamp, ok4 = o.timestamp(m["timestamp"])
	r.Partition, ok5 = o.partition(m["partition"], r.Key, keyed)
	return r, ok1 && ok2 && ok3 && ok4 && ok5
}

// knows tells whether nothing else is there, where that is to be.
func (o oracle) knows(m map[string]jsontext.Value, names ...string) bool {
	for name := range m {
		if !o.target.Lenient && !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func isInteger(v jsontext.Value) bool { return v.Kind() == '0' && !bytes.ContainsAny(v, ".eE") }

// either reads a string member or its twin in base64, of which at most one may be there and not null.
func (o oracle) either(m map[string]jsontext.Value, name string, nullBase64 bool, limit int) (p []byte, has, ok bool) {
	plain, coded := m[name], m[name+"_base64"]
	if absent(plain) && (coded == nil || nullBase64 && absent(coded)) {
		return nil, false, true
	}
	switch {
	case absent(coded) && (coded == nil || nullBase64) && plain.Kind() == '"':
		p = unquote(plain)
	case absent(plain) && coded.Kind() == '"':
		if p, ok = decodeBase64(unquote(coded)); !ok {
			return nil, false, false
		}
	default:
		return nil, false, false
	}
	return p, true, limit == 0 || len(p) <= limit
}

func absent(v jsontext.Value) bool { return v == nil || v.Kind() == 'n' }

// decodeBase64 goes the other way round: base64 is what encodes to the same again.
func decodeBase64(coded []byte) (p []byte, ok bool) {
	p = make([]byte, base64.StdEncoding.DecodedLen(len(coded)))
	n, err := base64.StdEncoding.Decode(p, coded)
	return p[:n], err == nil && base64.StdEncoding.EncodeToString(p[:n]) == string(coded)
}

func (o oracle) value(m map[string]jsontext.Value, limit int) (p []byte, has, ok bool) {
	if text, isText := m["value_text"]; isText {
		if m["value"] != nil || text.Kind() != '"' {
			return nil, false, false
		}
		m["value"] = text
	}
	plain, isPlain := m["value"]
	if _, isCoded := m["value_base64"]; isPlain == isCoded {
		return nil, false, false
	}
	if isPlain && plain.Kind() != '"' && plain.Kind() != 'n' {
		return plain, true, limit == 0 || len(plain) <= limit
	}
	return o.either(m, "value", false, limit)
}

func (o oracle) headers(v jsontext.Value) (all []batch.Header, ok bool) {
	if absent(v) {
		return nil, true
	}
	switch v.Kind() {
	case '{':
		if _, ok := o.members(v); !ok {
			return nil, false
		}
		parts := elements(v)
		for i := 0; i < len(parts); i += 2 {
			if parts[i+1].Kind() != '"' {
				return nil, false
			}
			all = append(all, batch.Header{Key: unquote(parts[i]), Value: unquote(parts[i+1])})
		}
	case '[':
		for _, e := range elements(v) {
			h, ok := o.header(e)
			if !ok {
				return nil, false
			}
			all = append(all, h)
		}
	default:
		return nil, false
	}
	l := o.target.Limits
	for _, h := range all {
		if l.KeyBytes > 0 && len(h.Key) > l.KeyBytes || l.HeaderBytes > 0 && len(h.Value) > l.HeaderBytes {
			return nil, false
		}
	}
	return all, l.Headers == 0 || len(all) <= l.Headers
}

func (o oracle) header(v jsontext.Value) (h batch.Header, ok bool) {
	m, ok := o.members(v)
	key, keyCoded, plain, coded := m["key"], m["key_base64"], m["value"], m["value_base64"]
	if !ok || !o.knows(m, "key", "key_base64", "value", "value_base64") || (key == nil) == (keyCoded == nil) ||
		(plain == nil) == (coded == nil) {
		return h, false
	}
	var named bool
	if h.Key, named, ok = o.either(m, "key", false, 0); !ok || !named {
		return h, false
	}
	h.Value, _, ok = o.either(m, "value", false, 0)
	return h, ok
}

func (o oracle) timestamp(v jsontext.Value) (ms int64, ok bool) {
	if absent(v) {
		return o.target.Now, true
	}
	switch v.Kind() {
	case '"':
		ms, ok = recordjson.ParseTime(unquote(v), o.target.Now)
	case '0':
		var err error
		ms, err = strconv.ParseInt(string(v), 10, 64)
		ok = err == nil
	}
	return ms, ok && ms >= 0 && ms <= o.target.Now+3_600_000
}

func (o oracle) partition(v jsontext.Value, key []byte, keyed bool) (p int, ok bool) {
	switch {
	case !absent(v):
		n, err := strconv.ParseInt(string(v), 10, 64)
		return int(min(max(n, 0), math.MaxInt32)), err == nil && v.Kind() == '0' && n >= 0 && n < int64(o.target.Partitions)
	case o.target.Partition >= 0:
		return o.target.Partition, true
	case keyed:
		return batch.Partition(key, o.target.Partitions), true
	}
	return o.target.Sticky, true
}
