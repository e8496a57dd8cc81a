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

// Where the fields of a RecordBatch v2 stand. The generator has its own writer and reader of them: what is checked with
// the broker's own would share its mistakes.
const (
	batchLengthAt = 8
	batchMagicAt  = 16
	batchCRCAt    = 17
	batchAttrsAt  = 21
	batchLastAt   = 23
	batchCountAt  = 57
	batchHeader   = 61
	batchPrefix   = 12 // what batchLength does not count
	batchMagic    = 2
	batchCodec    = 0x07
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBatch adds a batch of these records, made at that time in epoch milliseconds, with no producer id.
func appendBatch(b []byte, records []record, compression string, now int64) ([]byte, error) {
	var plain []byte
	for i, r := range records {
		plain = appendRecord(plain, i, r)
	}
	codec, packed, err := pack(compression, plain)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(batchHeader-batchPrefix+len(packed)))
	b = binary.BigEndian.AppendUint32(b, 1<<32-1) // no leader epoch
	b = append(b, batchMagic, 0, 0, 0, 0)         // the CRC comes last
	b = binary.BigEndian.AppendUint16(b, codec)
	b = binary.BigEndian.AppendUint32(b, uint32(len(records)-1))
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	b = append(b, bytes.Repeat([]byte{0xff}, 8+2+4)...) // neither producer id, epoch nor sequence
	b = binary.BigEndian.AppendUint32(b, uint32(len(records)))
	b = append(b, packed...)
	sealBatch(b[start:])
	return b, nil
}

// sealBatch makes the CRC right of a batch that was changed.
func sealBatch(b []byte) {
	binary.BigEndian.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
}

// batchSize is the length of the batch that b begins with; zero while its prefix is not whole.
func batchSize(b []byte) int64 {
	if len(b) < batchPrefix {
		return 0
	}
	return batchPrefix + int64(binary.BigEndian.Uint32(b[batchLengthAt:]))
}

// sealBatches makes the CRCs right of all batches of a body that appendBatch has made.
func sealBatches(body []byte) {
	for len(body) > 0 {
		n := batchSize(body)
		sealBatch(body[:n])
		body = body[n:]
	}
}

func appendRecord(b []byte, offset int, r record) []byte {
	body := append(make([]byte, 0, 16+len(r.Value)), 0, 0) // attributes, time after the batch's
	body = binary.AppendVarint(body, int64(offset))
	if r.Key == nil {
		body = binary.AppendVarint(body, -1)
	} else {
		body = append(binary.AppendVarint(body, int64(len(*r.Key))), *r.Key...)
	}
	body = append(binary.AppendVarint(body, int64(len(r.Value))), r.Value...)
	body = append(body, 0) // headers
	return append(binary.AppendVarint(b, int64(len(body))), body...)
}

// pack compresses the records of a batch; codec is what its attributes say.
func pack(compression string, plain []byte) (codec uint16, packed []byte, err error) {
	var out bytes.Buffer
	switch compression {
	case "gzip":
		codec, err = 1, writeAll(gzip.NewWriter(&out), plain)
	case "snappy":
		return 2, snappy.Encode(nil, plain), nil
	case "lz4":
		codec, err = 3, writeAll(lz4.NewWriter(&out), plain)
	case "zstd":
		w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return 0, nil, err
		}
		err = writeAll(w, plain)
		return 4, out.Bytes(), err
	default:
		return 0, plain, nil
	}
	return codec, out.Bytes(), err
}

func writeAll(w io.WriteCloser, b []byte) error {
	_, err := w.Write(b)
	return errors.Join(err, w.Close())
}
