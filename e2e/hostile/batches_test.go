package hostile

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

// fields are those of a record batch; what is built of them has a good CRC unless crc says another one.
type fields struct {
	length                      int32 // added to the true one
	magic                       byte
	crc                         uint32 // added to the true one
	attributes                  int16
	lastOffset                  int32
	baseTime, maxTime, producer int64
	epoch                       int16
	sequence, count             int32
	records                     string
}

// one is a record: length, attributes, timestamp delta, offset delta, no key, value "x", no headers; varints in zigzag.
const one = "\x0e\x00\x00\x00\x01\x02x\x00"

// recordBatch builds a batch of one record, spoiled; its timestamp is a second of 1970.
func recordBatch(spoil func(*fields)) string {
	f := fields{magic: 2, baseTime: 1000, maxTime: 1000, producer: -1, epoch: -1, sequence: -1, count: 1, records: one}
	spoil(&f)
	be := binary.BigEndian
	tail := be.AppendUint16(nil, uint16(f.attributes))
	tail = be.AppendUint32(tail, uint32(f.lastOffset))
	tail = be.AppendUint64(tail, uint64(f.baseTime))
	tail = be.AppendUint64(tail, uint64(f.maxTime))
	tail = be.AppendUint64(tail, uint64(f.producer))
	tail = be.AppendUint16(tail, uint16(f.epoch))
	tail = be.AppendUint32(tail, uint32(f.sequence))
	tail = be.AppendUint32(tail, uint32(f.count))
	tail = append(tail, f.records...)
	head := be.AppendUint32(make([]byte, 8), uint32(int32(len(tail)+9)+f.length)) // base offset, length
	head = append(be.AppendUint32(head, 0), f.magic)                              // leader epoch
	head = be.AppendUint32(head, crc32.Checksum(tail, crc32.MakeTable(crc32.Castagnoli))+f.crc)
	return string(head) + string(tail)
}

func TestRecordBatches(t *testing.T) {
	send := func(name, query, body string, status int, code string, headers ...string) row {
		return row{name: name, send: with("POST", records+query, typeKafka, body, headers...), status: status, code: code}
	}
	bad := func(name string, spoil func(b *fields)) row {
		return send(name, "?partition=0", recordBatch(spoil), 422, "corrupt_batch")
	}
	no := func(name string, spoil func(b *fields)) row {
		return send(name, "?partition=0", recordBatch(spoil), 422, "not_supported")
	}
	over := func(name string, spoil func(b *fields)) row {
		return send(name, "?partition=0", recordBatch(spoil), 400, "validation_error")
	}
	of := func(records string) func(*fields) { return func(b *fields) { b.records = records } }
	good := recordBatch(func(*fields) {})
	rows := []row{
		bad("a length too small", func(b *fields) { b.length = -1 }),
		bad("a length too large", func(b *fields) { b.length = 1 }),
		bad("a length below 0", func(b *fields) { b.length = -1000 }),
		bad("a length near 2^31", func(b *fields) { b.length = 1<<31 - 200 }),
		bad("a length of 48", func(b *fields) { b.length = 48 - int32(len(good)) + 12 }),
		bad("magic 0", func(b *fields) { b.magic = 0 }),
		bad("magic 1", func(b *fields) { b.magic = 1 }),
		bad("magic 3", func(b *fields) { b.magic = 3 }),
		bad("another CRC", func(b *fields) { b.crc = 1 }),
		bad("an attribute that is unknown", func(b *fields) { b.attributes = 1 << 6 }),
		bad("all attributes", func(b *fields) { b.attributes = -1 << 6 }),
		bad("compression 5", func(b *fields) { b.attributes = 5 }),
		bad("compression 7", func(b *fields) { b.attributes = 7 }),
		bad("gzip that is none", func(b *fields) { b.attributes = 1 }),
		bad("snappy that is none", func(b *fields) { b.attributes = 2 }),
		bad("lz4 that is none", func(b *fields) { b.attributes = 3 }),
		bad("zstd that is none", func(b *fields) { b.attributes = 4 }),
		bad("half a gzip", func(b *fields) { b.attributes, b.records = 1, gzipped(one)[:12] }),
		bad("a gzip with garbage after it", func(b *fields) { b.attributes, b.records = 1, gzipped(one)+"garbage" }),
		bad("a gzip of nothing", func(b *fields) { b.attributes, b.records = 1, gzipped("") }),
		bad("a gzip of two records for one", func(b *fields) { b.attributes, b.records = 1, gzipped(one+one) }),
		bad("snappy that ends early", func(b *fields) { b.attributes, b.records = 2, "\x08\x1c\x0e" }),
		bad("xerial's snappy without a block", func(b *fields) {
			b.attributes, b.records = 2, "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xff"
		}),
		bad("lz4 with half a head", func(b *fields) { b.attributes, b.records = 3, "\x04\x22\x4d\x18\x60" }),
		no("a control batch", func(b *fields) { b.attributes = 1 << 5 }),
		no("a transaction", func(b *fields) { b.attributes = 1 << 4 }),
		over("LogAppendTime", func(b *fields) { b.attributes = 1 << 3 }),
		bad("a last offset of 1", func(b *fields) { b.lastOffset = 1 }),
		bad("a last offset below 0", func(b *fields) { b.lastOffset = -1 }),
		bad("a last offset of 2^31-1", func(b *fields) { b.lastOffset = 1<<31 - 1 }),
		bad("no record", func(b *fields) { b.count, b.lastOffset, b.records = 0, -1, "" }),
		bad("minus one records", func(b *fields) { b.count, b.lastOffset = -1, -2 }),
		bad("two records, one of them there", func(b *fields) { b.count, b.lastOffset = 2, 1 }),
		bad("2^31-1 records, one of them there", func(b *fields) { b.count, b.lastOffset = 1<<31-1, 1<<31-2 }),
		bad("another largest time", func(b *fields) { b.maxTime = 1001 }),
		over("a time before 1970", func(b *fields) { b.baseTime, b.maxTime = -1, -1 }),
		over("a time far ahead", func(b *fields) { b.baseTime, b.maxTime = 1<<62, 1<<62 }),
		bad("a producer of minus two", func(b *fields) { b.producer = -2 }),
		bad("a producer without an epoch", func(b *fields) { b.producer, b.sequence = 7, 0 }),
		bad("a producer without a sequence", func(b *fields) { b.producer, b.epoch = 7, 0 }),
		no("a producer of the broker's", func(b *fields) { b.producer, b.epoch, b.sequence = 1<<62|7, 0, 0 }),
		send("a producer that begins late", "?partition=0", recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 0, 0 })+
			recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 0, 5 }), 409, "out_of_order_sequence"),
		send("two epochs of a producer", "?partition=0", recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 0, 0 })+
			recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 1, 0 }), 422, "not_supported"),
		send("six batches of a producer", "?partition=0", sixOfOne(), 422, "not_supported"),
		send("a producer and a key", "?partition=0", recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 0, 0 }),
			400, "validation_error", "Idempotency-Key: k"),
		bad("a record of length 0", of("\x00")),
		bad("a record that is too short", of("\x0c\x00\x00\x00\x01\x02x\x00")),
		bad("a record that is too long", of("\x10\x00\x00\x00\x01\x02x\x00")),
		bad("a record of length minus one", of("\x01\x00\x00\x00\x01\x02x\x00")),
		bad("a length of 2^31-1", of("\xfe\xff\xff\xff\x0f\x00\x00\x00\x01\x02x\x00")),
		bad("a length without end", of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
		bad("an offset delta of 1", of("\x0e\x00\x00\x02\x01\x02x\x00")),
		bad("an offset delta below 0", of("\x0e\x00\x00\x01\x01\x02x\x00")),
		bad("a time delta without end", of("\x1e\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x01\x02x\x00")),
		bad("a key of minus two", of("\x0e\x00\x00\x00\x03\x02x\x00")),
		bad("a key beyond the record", of("\x0e\x00\x00\x00\x7e\x02x\x00")),
		bad("a value beyond the record", of("\x0e\x00\x00\x00\x01\x7ex\x00")),
		bad("minus one headers", of("\x0e\x00\x00\x00\x01\x02x\x01")),
		bad("a header that is not there", of("\x0e\x00\x00\x00\x01\x02x\x02")),
		bad("a header's name of minus one", of("\x12\x00\x00\x00\x01\x02x\x02\x01\x01")),
		bad("a header's value beyond the record", of("\x12\x00\x00\x00\x01\x02x\x02\x00\x7e")),
		bad("garbage after the records", of(one+"\x00")),
		bad("no records at all", of("")),
		over("a key of 1025", func(b *fields) { b.records = "\x92\x10\x00\x00\x00\x82\x10" + strings.Repeat("k", 1025) + "\x02x\x00" }),
		send("an empty body", "?partition=0", "", 400, "validation_error"),
		send("a byte", "?partition=0", "\x00", 422, "corrupt_batch"),
		send("half a batch", "?partition=0", good[:40], 422, "corrupt_batch"),
		send("all but a byte", "?partition=0", good[:len(good)-1], 422, "corrupt_batch"),
		send("a batch and a byte", "?partition=0", good+"\x00", 422, "corrupt_batch"),
		send("a batch and half another", "?partition=0", good+good[:30], 422, "corrupt_batch"),
		send("a good batch and a bad one", "?partition=0", good+recordBatch(func(b *fields) { b.crc = 1 }), 422, "corrupt_batch"),
		send("zeros", "?partition=0", strings.Repeat("\x00", 1000), 422, "corrupt_batch"),
		send("JSON", "?partition=0", goodBody+strings.Repeat(" ", 100), 422, "corrupt_batch"),
		send("no partition", "", good, 400, "invalid_parameter"),
		send("a partition that is not there", "?partition=2", good, 404, "partition_not_found"),
		send("a key of the query", "?partition=0&key=k", good, 400, "invalid_parameter"),
		send("a record header", "?partition=0", good, 400, "validation_error", "FlashQ-Header-a: b"),
		{name: "a batch that is good", send: with("POST", records+"?partition=0", typeKafka, good), status: 200, stores: 1},
		{name: "a batch at an offset of its own", send: with("POST", records+"?partition=0", typeKafka, "\x7f"+good[1:]), status: 200, stores: 1},
	}
	hit(t, rows)
}

func sixOfOne() string {
	var all strings.Builder
	for i := range 6 {
		all.WriteString(recordBatch(func(b *fields) { b.producer, b.epoch, b.sequence = 7, 0, int32(i) }))
	}
	return all.String()
}
