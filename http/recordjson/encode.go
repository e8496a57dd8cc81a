package recordjson

import (
	"encoding/base64"
	"strconv"

	"flashq/segment/batch"
)

// Options say how records are shown.
type Options struct {
	Base64    bool // keys, values and header values always as base64
	NoHeaders bool // headers are always null
}

// maxTimeText holds the text of any timestamp: years have up to nine digits and a sign.
const maxTimeText = 40

// Writer shows records. It belongs to one goroutine.
type Writer struct {
	Options

	// Neighbours often have the same timestamp, and its text costs more than all other numbers: it is kept.
	time     int64
	timeText [maxTimeText]byte
	timeSize int // 0: none is kept
}

// Append appends one record as a JSON object.
func (w *Writer) Append(dst []byte, partition int, offset, timestamp int64, r *batch.Record) []byte {
	dst = append(dst, `{"partition":`...)
	dst = strconv.AppendInt(dst, int64(partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, offset, 10)
	dst = append(dst, `,"timestamp":"`...)
	if w.timeSize == 0 || timestamp != w.time {
		w.time, w.timeSize = timestamp, len(AppendTime(w.timeText[:0], timestamp))
	}
	dst = append(dst, w.timeText[:w.timeSize]...)
	dst = append(dst, `",`...)
	dst = append(appendBytes(dst, "key", r.Key, w.Base64), ',')
	dst = append(appendBytes(dst, "value", r.Value, w.Base64), `,"headers":`...)
	if w.NoHeaders || r.HeaderCount() == 0 {
		return append(dst, `null}`...)
	}
	return append(appendHeaders(dst, r, w.Base64), '}')
}

// appendBytes appends a member: null, text where p is text, else base64 under a name that says so.
func appendBytes(dst []byte, name string, p []byte, asBase64 bool) []byte {
	dst = append(append(dst, '"'), name...)
	if p == nil {
		return append(dst, `":null`...)
	}
	if !asBase64 {
		if out, ok := appendQuoted(append(dst, `":`...), p); ok {
			return out
		}
	}
	dst = append(dst, `_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, p), '"')
}

// appendHeaders prefers the object form, which people like to read; the list form can say everything.
func appendHeaders(dst []byte, r *batch.Record, asBase64 bool) []byte {
	if !asBase64 && distinctNames(r) {
		if out, ok := appendHeaderObject(dst, r); ok {
			return out
		}
	}
	return appendHeaderList(dst, r, asBase64)
}

// usualHeaders is up to how many headers need no allocation.
const usualHeaders = 16

func distinctNames(r *batch.Record) bool {
	if r.HeaderCount() == 1 {
		return true
	}
	var usual [usualHeaders][]byte
	names := usual[:0]
	for it := r.Headers(); it.Next(); {
		names = append(names, it.Header.Key)
	}
	_, twice := duplicate(names)
	return !twice
}

// appendHeaderObject is not ok, and dst as it was, if a value is null or something is no text.
func appendHeaderObject(dst []byte, r *batch.Record) (out []byte, ok bool) {
	out = append(dst, '{') //nolint:gocritic // dst stays what it was, for the caller who has to go back
	for it := r.Headers(); it.Next(); {
		if it.Header.Value == nil {
			return dst, false
		}
		if out, ok = appendQuoted(out, it.Header.Key); !ok {
			return dst, false
		}
		if out, ok = appendQuoted(append(out, ':'), it.Header.Value); !ok {
			return dst, false
		}
		out = append(out, ',')
	}
	return closeList(out, '}'), true
}

func appendHeaderList(dst []byte, r *batch.Record, asBase64 bool) []byte {
	dst = append(dst, '[')
	for it := r.Headers(); it.Next(); {
		dst = AppendString(append(dst, `{"key":`...), it.Header.Key)
		dst = appendBytes(append(dst, ','), "value", it.Header.Value, asBase64)
		dst = append(dst, `},`...)
	}
	return closeList(dst, ']')
}

// closeList puts the closing bracket in place of the last comma, if there is one.
func closeList(dst []byte, closing byte) []byte {
	if last := len(dst) - 1; dst[last] == ',' {
		dst = dst[:last]
	}
	return append(dst, closing)
}
