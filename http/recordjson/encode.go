package recordjson

import (
	"encoding/base64"
	"slices"
	"strconv"

	"flashq/segment/batch"
)

// Options say how records are shown.
type Options struct {
	Base64    bool // keys, values and header values always as base64
	Embed     bool // values that are JSON stand as they are, and others never as value
	NoHeaders bool // headers are always null
}

// pieceSize holds each of the two pieces that a Writer keeps: numbers have up to twenty digits with their sign, and the
// text of any timestamp has up to thirty (its year up to nine and a sign).
const pieceSize = 64

// Writer shows records. It belongs to one goroutine.
type Writer struct {
	Options

	// The next record is nearly always the one of the next offset in the same partition, often with the same time. So
	// what stands before its key is kept as text: up to the offset, and from there on.
	place     [pieceSize]byte
	placeSize int
	partition int
	next      int64 // the offset in place; 0 or less: none is kept
	clock     [pieceSize]byte
	clockSize int // 0: none is kept
	time      int64
}

// Append appends one record as a JSON object.
func (w *Writer) Append(dst []byte, partition int, offset, timestamp int64, r *batch.Record) []byte {
	dst = w.appendHead(dst, partition, offset, timestamp)
	if r.Key == nil {
		dst = append(dst, `":null,"value`...)
	} else {
		dst = append(appendBytes(dst, r.Key, w.Base64), `,"value`...)
	}
	if w.Embed {
		dst = appendEmbedded(dst, r.Value)
	} else {
		dst = appendBytes(dst, r.Value, w.Base64)
	}
	if w.NoHeaders || r.HeaderCount() == 0 {
		return append(dst, `,"headers":null}`...)
	}
	return append(appendHeaders(append(dst, `,"headers":`...), r, w.Base64), '}')
}

// appendHead appends what stands before the key, with its name. Both pieces are copied whole, as their size is known
// then: what is too much is written over.
func (w *Writer) appendHead(dst []byte, partition int, offset, timestamp int64) []byte {
	if offset != w.next || offset <= 0 || partition != w.partition {
		w.setPlace(partition, offset)
	}
	if w.clockSize == 0 || timestamp != w.time {
		w.setClock(timestamp)
	}
	dst = slices.Grow(dst, 2*pieceSize)
	n := len(dst)
	head := (*[2 * pieceSize]byte)(dst[n : n+2*pieceSize])
	size := w.placeSize & (pieceSize - 1)
	*(*[pieceSize]byte)(head[:]) = w.place
	*(*[pieceSize]byte)(head[size:]) = w.clock
	w.moveOn(size, offset)
	return dst[:n+size+w.clockSize]
}

func (w *Writer) setPlace(partition int, offset int64) {
	p := strconv.AppendInt(append(w.place[:0], `{"partition":`...), int64(partition), 10)
	w.placeSize = len(strconv.AppendInt(append(p, `,"offset":`...), offset, 10))
	w.partition = partition
}

func (w *Writer) setClock(timestamp int64) {
	w.clockSize = len(append(AppendTime(append(w.clock[:0], `,"timestamp":"`...), timestamp), `","key`...))
	w.time = timestamp
}

// moveOn makes place that of the next offset, where that is a matter of one digit. Nine of ten are; after negative
// offsets and the last one next is not above 0, so that nothing is kept.
func (w *Writer) moveOn(size int, offset int64) {
	w.next = 0
	if digit := &w.place[size-1]; *digit != '9' {
		*digit++
		w.next = offset + 1
	}
}

// appendBytes goes on after a member's name: null, text where p is text, else base64 and a name that says so.
func appendBytes(dst, p []byte, asBase64 bool) []byte {
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

// appendEmbedded goes on after a value's name: null, the value as it is where it is JSON, else text or base64
// and a name that says so.
func appendEmbedded(dst, p []byte) []byte {
	switch {
	case p == nil:
		return append(dst, `":null`...)
	case embeddable(p):
		return append(append(dst, `":`...), p...)
	}
	if out, ok := appendQuoted(append(dst, `_text":`...), p); ok {
		return out
	}
	return appendBytes(dst, p, true)
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
		dst = appendBytes(append(dst, `{"key`...), it.Header.Key, false) // a name that is text stays text
		dst = appendBytes(append(dst, `,"value`...), it.Header.Value, asBase64)
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
