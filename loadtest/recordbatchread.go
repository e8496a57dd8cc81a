package loadtest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// errBatch is a body that is no row of whole RecordBatches.
var errBatch = errors.New("no RecordBatch")

// head is what is known of a batch by its header.
type head struct {
	base, last int64 // offsets
	codec      byte
	count      int
}

func readHead(b []byte) (head, error) {
	if b[batchMagicAt] != batchMagic {
		return head{}, fmt.Errorf("%w: magic %d", errBatch, b[batchMagicAt])
	}
	base := int64(binary.BigEndian.Uint64(b))
	return head{base: base, last: base + int64(binary.BigEndian.Uint32(b[batchLastAt:])),
		codec: b[batchAttrsAt+1] & batchCodec, count: int(binary.BigEndian.Uint32(b[batchCountAt:]))}, nil
}

// headers counts the records of batches by their headers alone, as they come.
type headers struct {
	held  []byte // of a header that came in pieces
	skip  int64  // of the batch whose header was read
	some  bool   // a header was read
	first int64  // offset in the first batch
	last  int64  // offset in the last one
	err   error
}

func (h *headers) reset() { *h = headers{held: h.held[:0]} }

// Take implements drive.Sink.
func (h *headers) Take(b []byte) {
	for len(b) > 0 && h.err == nil {
		if h.skip > 0 {
			n := min(h.skip, int64(len(b)))
			h.skip -= n
			b = b[n:]
			continue
		}
		if len(h.held) > 0 || len(b) < batchHeader {
			n := min(batchHeader-len(h.held), len(b))
			h.held = append(h.held, b[:n]...)
			b = b[n:]
			if len(h.held) == batchHeader {
				h.take(h.held)
				h.held = h.held[:0]
			}
			continue
		}
		h.take(b[:batchHeader])
		b = b[batchHeader:]
	}
}

func (h *headers) take(b []byte) {
	found, err := readHead(b)
	if size := batchSize(b); err == nil && size < batchHeader {
		err = fmt.Errorf("%w: a length of %d", errBatch, size)
	}
	if h.err = err; err != nil {
		return
	}
	if !h.some {
		h.first = found.base
	}
	h.skip, h.last, h.some = batchSize(b)-batchHeader, found.last, true
}

// end is the offset after the last record; a batch must not be cut.
func (h *headers) end() (int64, error) {
	switch {
	case h.err != nil:
		return 0, h.err
	case h.skip > 0 || len(h.held) > 0:
		return 0, fmt.Errorf("%w: the last one is cut", errBatch)
	case !h.some:
		return 0, fmt.Errorf("%w: the answer is empty", errBatch)
	}
	return h.last + 1, nil
}

// readBatches takes all records of a body of batches, each with its CRC checked.
func readBatches(b []byte, partition int) ([]arrived, error) {
	var list []arrived
	for len(b) > 0 {
		size := batchSize(b)
		if size < batchHeader || size > int64(len(b)) {
			return nil, fmt.Errorf("%w: it is cut", errBatch)
		}
		one := b[:size]
		b = b[size:]
		h, err := readHead(one)
		if err != nil {
			return nil, err
		}
		if sum := crc32.Checksum(one[batchAttrsAt:], castagnoli); sum != binary.BigEndian.Uint32(one[batchCRCAt:]) {
			return nil, fmt.Errorf("%w: a wrong CRC at offset %d", errBatch, h.base)
		}
		plain, err := unpack(h.codec, one[batchHeader:])
		if err != nil {
			return nil, fmt.Errorf("batch at offset %d: %w", h.base, err)
		}
		if list, err = readRecords(list, plain, h, partition); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unpack decompresses a batch's records.
func unpack(codec byte, packed []byte) ([]byte, error) {
	switch codec {
	case 0:
		return packed, nil
	case 1:
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case 2:
		return snappy.Decode(nil, packed)
	case 3:
		return io.ReadAll(lz4.NewReader(bytes.NewReader(packed)))
	case 4:
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return nil, fmt.Errorf("%w: codec %d", errBatch, codec)
}

func readRecords(list []arrived, b []byte, h head, partition int) ([]arrived, error) {
	for range h.count {
		r := fields{b: b}
		size := r.varint()
		one := fields{b: r.bytes(size)}
		one.bytes(1) // attributes
		one.varint() // time
		delta := one.varint()
		one.bytes(max(one.varint(), 0)) // key
		value := one.bytes(max(one.varint(), 0))
		if r.bad || one.bad {
			return nil, fmt.Errorf("%w: a record after offset %d is cut", errBatch, h.base)
		}
		list = append(list, arrived{partition: partition, offset: h.base + delta, value: value})
		b = r.b
	}
	return list, nil
}

// fields takes the fields of a record; bad is set once one is not there.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.bad = true
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) bytes(n int64) []byte {
	if n < 0 || n > int64(len(f.b)) {
		f.bad = true
		return nil
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}
