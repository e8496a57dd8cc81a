package recordbody_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/codec"
	"flashq/http/recordbody"
	"flashq/segment/batch"
)

// now is the broker's clock in tests.
const now = 1_768_471_200_000

var target = recordbody.Target{Partitions: 3, Partition: 1, Now: now, Limits: recordbody.Limits{
	KeyBytes: 8, ValueBytes: 1 << 20, HeaderBytes: 6, Headers: 2,
}}

// record is a record as tests write it down; nil is null.
type record struct {
	time       int64
	key, value []byte
	headers    []kmsg.Header
}

func text(s string) record { return record{time: now, value: []byte(s)} }

// packed writes a batch as another implementation of Kafka's format does; change may spoil it before the CRC is
// computed.
func packed(tb testing.TB, coding kgo.CompressionCodec, change func(*kmsg.RecordBatch), records ...record) []byte {
	tb.Helper()
	var plain []byte
	b := kmsg.RecordBatch{
		FirstOffset: 77, PartitionLeaderEpoch: 5, Magic: 2, LastOffsetDelta: int32(len(records) - 1), ProducerID: -1,
		ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(records)),
	}
	for i, r := range records {
		if i == 0 {
			b.FirstTimestamp, b.MaxTimestamp = r.time, r.time
		}
		b.MaxTimestamp = max(b.MaxTimestamp, r.time)
		one := kmsg.Record{
			TimestampDelta64: r.time - b.FirstTimestamp, OffsetDelta: int32(i), Key: r.key, Value: r.value, Headers: r.headers,
		}
		one.Length = int32(len(one.AppendTo(nil)) - 1) // the length itself is 0 in one byte
		plain = one.AppendTo(plain)
	}
	c, err := kgo.DefaultCompressor(coding)
	if err != nil {
		tb.Fatal(err)
	}
	b.Records = plain
	if c != nil {
		var number kgo.CompressionCodecType
		b.Records, number = c.Compress(new(bytes.Buffer), plain)
		b.Attributes = int16(number)
	}
	if change != nil {
		change(&b)
	}
	p := b.AppendTo(nil)
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-12))
	return seal(p)
}

// seal computes the CRC anew.
func seal(p []byte) []byte {
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[21:], crc32.MakeTable(crc32.Castagnoli)))
	return p
}

var codings = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// unpacker decompresses with the broker's codecs.
type unpacker struct {
	set  *codec.Set
	most int
}

var plainly = unpacker{codec.New(1 << 20), 1 << 20}

func (u unpacker) Unpack(index int, packed batch.Batch) (batch.Batch, error) {
	plain, _, err := u.set.UnpackUpTo(nil, packed, u.most)
	if err != nil {
		return nil, recordbody.Corrupt(index, err.Error())
	}
	return plain, nil
}
