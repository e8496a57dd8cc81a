package batch

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Record is a view of one record; its byte slices point into the batch. A nil Key or Value is Kafka's null, an empty
// one is not nil.
type Record struct {
	OffsetDelta    int32
	TimestampDelta int64
	Key, Value     []byte

	headers     []byte // encoded, without their count
	headerCount int
}

// Header is one record header; a nil Value is null.
type Header struct{ Key, Value []byte }

// Iterator walks the records of an uncompressed batch. Use: for it.Next() { it.Record }; then Err.
type Iterator struct {
	Record Record

	rest []byte
	left int32
	err  error
}

// Records starts a walk over the records of an uncompressed batch.
func (b Batch) Records() Iterator { return Iterator{rest: b[HeaderSize:], left: b.Count()} }

// Err is nil after a walk that found exactly the records that the header counts.
func (it *Iterator) Err() error { return it.err }

// Left is how many bytes the records after this one take.
func (it *Iterator) Left() int { return len(it.rest) }

// Next moves to the next record; false at the end or at the first fault.
func (it *Iterator) Next() bool { return it.nextUsual() || it.next() }

// next is Next for every record.
func (it *Iterator) next() bool {
	if it.err != nil {
		return false
	}
	if it.left == 0 {
		if len(it.rest) != 0 {
			it.err = fmt.Errorf("%w: %d bytes after the last record", ErrCorrupt, len(it.rest))
		}
		return false
	}
	length, rest, ok := varint(it.rest)
	if !ok || length < 0 || length > int64(len(rest)) {
		it.err = fmt.Errorf("%w: record length", ErrCorrupt)
		return false
	}
	body := rest[:length]
	it.rest = rest[length:]
	it.left--
	if !it.Record.parse(body) {
		it.err = fmt.Errorf("%w: record body", ErrCorrupt)
		return false
	}
	return true
}

func (r *Record) parse(p []byte) bool {
	if len(p) == 0 {
		return false
	}
	p = p[1:] // attributes, unused in every version
	ts, p, ok1 := varint(p)
	delta, p, ok2 := varint(p)
	if !ok1 || !ok2 || delta != int64(int32(delta)) {
		return false
	}
	key, p, ok1 := nullable(p)
	value, p, ok2 := nullable(p)
	count, p, ok3 := varint(p)
	if !ok1 || !ok2 || !ok3 || count < 0 || count > int64(len(p)) {
		return false
	}
	// Field by field: a whole struct is made elsewhere first and copied, which costs 6 ns a record.
	r.OffsetDelta, r.TimestampDelta = int32(delta), ts
	r.Key, r.Value = key, value
	r.headers, r.headerCount = p, int(count)
	return true
}

// HeaderCount is the number of headers.
func (r *Record) HeaderCount() int { return r.headerCount }

// HeaderIterator walks a record's headers in their order.
type HeaderIterator struct {
	Header Header

	rest []byte
	left int
	err  error
}

// Headers starts a walk over the record's headers.
func (r *Record) Headers() HeaderIterator {
	return HeaderIterator{rest: r.headers, left: r.headerCount}
}

// Err is nil after a walk that found exactly the headers that the record counts.
func (it *HeaderIterator) Err() error { return it.err }

// Next moves to the next header; false at the end or at the first fault.
func (it *HeaderIterator) Next() bool {
	if it.err != nil {
		return false
	}
	if it.left == 0 {
		if len(it.rest) != 0 {
			it.err = fmt.Errorf("%w: bytes after the last header", ErrCorrupt)
		}
		return false
	}
	key, rest, ok1 := nullable(it.rest)
	value, rest, ok2 := nullable(rest)
	if !ok1 || !ok2 || key == nil {
		it.err = fmt.Errorf("%w: header", ErrCorrupt)
		return false
	}
	it.Header, it.rest = Header{Key: key, Value: value}, rest
	it.left--
	return true
}

// SameHeaders tells whether two records have the same headers in the same order.
func (r *Record) SameHeaders(other *Record) bool {
	return r.headerCount == other.headerCount && bytes.Equal(r.headers, other.headers)
}

func (r *Record) checkHeaders() error {
	it := r.Headers()
	for it.Next() { //nolint:revive // the walk itself is the check
	}
	return it.err
}

// varint reads a zigzag varint; nearly all take one byte or two.
func varint(p []byte) (int64, []byte, bool) {
	if len(p) > 0 && p[0] < 0x80 {
		return int64(p[0]>>1) ^ -int64(p[0]&1), p[1:], true
	}
	if len(p) > 1 && p[1] < 0x80 {
		u := uint(p[0]&0x7f) | uint(p[1])<<7
		return int64(u>>1) ^ -int64(u&1), p[2:], true
	}
	v, n := binary.Varint(p)
	if n <= 0 {
		return 0, p, false
	}
	return v, p[n:], true
}

// nullable reads a length and that many bytes; length -1 is nil.
func nullable(p []byte) (field, rest []byte, ok bool) {
	n, p, ok := varint(p)
	if !ok || n < -1 || n > int64(len(p)) {
		return nil, p, false
	}
	if n == -1 {
		return nil, p, true
	}
	return p[:n:n], p[n:], true
}
