package batch_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/segment/batch"
)

// record is a record as tests write it down; nil Key or Value is null.
type record struct {
	Timestamp  int64
	Key, Value []byte
	Headers    []batch.Header
}

// records are those that Kafka's Java client (kafka-clients 4.3.1, MemoryRecords.withRecords with the offset 42 and no
// compression) wrote as the bytes of golden.
var records = []record{
	{Timestamp: 1736937045123, Key: []byte("user123"), Value: []byte("Hello"), Headers: []batch.Header{
		{Key: []byte("source"), Value: []byte("auth")},
	}},
	{Timestamp: 1736937045000, Key: []byte{}, Value: []byte{}},
	{Timestamp: 1736937105123, Key: []byte("k"), Headers: []batch.Header{
		{Key: []byte("a"), Value: []byte("x")},
		{Key: []byte("a")},
		{Key: []byte{}, Value: []byte{0xff, 0}},
	}},
	{Timestamp: 0, Value: []byte(strings.Repeat("v", 70))},
}

const golden = "000000000000002a000000c1ffffffff02288a5cad000000000003000001946983fc83000001946984e6e3ffffffffff" +
	"ffffffffffffffffff000000043c0000000e757365723132330a48656c6c6f020c736f7572636508617574680e00f501" +
	"020000002800c0a90704026b0106026102780261010004ff00a4010085f29f988d6506018c0176767676767676767676" +
	"767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676" +
	"76767676767676767676767600"

// goldenOne is from the same client: one record at offset 0, time 1736937045123, no key, value "hello".
const goldenOne = "00000000000000000000003dffffffff027a08f2ba000000000000000001946983fc83000001946983fc83ffffffffff" +
	"ffffffffffffffffff0000000116000000010a68656c6c6f00"

func unhex(tb testing.TB, s string) batch.Batch {
	tb.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	b, rest, err := batch.Next(p)
	if err != nil || len(rest) != 0 {
		tb.Fatalf("Next: %v, %d bytes left", err, len(rest))
	}
	return b
}

// read copies a batch's records.
func read(tb testing.TB, b batch.Batch) (all []record) {
	tb.Helper()
	it := b.Records()
	for it.Next() {
		r := record{
			Timestamp: b.BaseTimestamp() + it.Record.TimestampDelta,
			Key:       bytes.Clone(it.Record.Key),
			Value:     bytes.Clone(it.Record.Value),
		}
		headers := it.Record.Headers()
		for headers.Next() {
			h := headers.Header
			r.Headers = append(r.Headers, batch.Header{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)})
		}
		if err := headers.Err(); err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	if err := it.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

func build(records []record) batch.Batch {
	var b batch.Builder
	for _, r := range records {
		b.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
	}
	return b.Finish()
}

func TestReadsWhatKafkaWrote(t *testing.T) {
	b := unhex(t, golden)
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if err := b.CheckRecords(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(records, read(t, b)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	got := []int64{
		b.BaseOffset(), b.LastOffset(), int64(b.Count()), int64(b.LeaderEpoch()), b.BaseTimestamp(), b.MaxTimestamp(),
		b.ProducerID(), int64(b.ProducerEpoch()), int64(b.BaseSequence()), int64(b.Codec()),
	}
	want := []int64{42, 45, 4, -1, 1736937045123, 1736937105123, -1, -1, -1, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if b.IsControl() || b.IsTransactional() || b.IsLogAppendTime() {
		t.Error("attributes that Kafka did not set")
	}
}

// TestWritesWhatKafkaWrites compares byte by byte.
func TestWritesWhatKafkaWrites(t *testing.T) {
	for _, c := range []struct {
		name    string
		golden  string
		records []record
	}{
		{"many", golden, records},
		{"one", goldenOne, []record{{Timestamp: 1736937045123, Value: []byte("hello")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := unhex(t, c.golden)
			got := build(c.records)
			got.SetBaseOffset(want.BaseOffset())
			got.SetLeaderEpoch(want.LeaderEpoch())
			if !bytes.Equal(got, want) {
				t.Errorf("got  %x\nwant %x", []byte(got), []byte(want))
			}
			if err := got.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFranzReadsOurs(t *testing.T) {
	b := build(records)
	b.SetBaseOffset(1 << 40)
	b.SetLeaderEpoch(7)
	var k kmsg.RecordBatch
	if err := k.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	crc := crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli))
	want := kmsg.RecordBatch{
		FirstOffset: 1 << 40, Length: int32(len(b) - 12), PartitionLeaderEpoch: 7, Magic: 2, CRC: int32(crc),
		LastOffsetDelta: 3, FirstTimestamp: 1736937045123, MaxTimestamp: 1736937105123,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 4, Records: b[61:],
	}
	if diff := cmp.Diff(want, k); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(records, franzRecords(t, &k)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func franzRecords(tb testing.TB, k *kmsg.RecordBatch) (all []record) {
	tb.Helper()
	rest := k.Records
	for i := range k.NumRecords {
		length, n := binary.Varint(rest)
		size := n + int(length)
		var r kmsg.Record
		if err := r.ReadFrom(rest[:size]); err != nil {
			tb.Fatal(err)
		}
		rest = rest[size:]
		if r.OffsetDelta != i {
			tb.Errorf("record %d has offset delta %d", i, r.OffsetDelta)
		}
		got := record{Timestamp: k.FirstTimestamp + r.TimestampDelta64, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			got.Headers = append(got.Headers, batch.Header{Key: []byte(h.Key), Value: h.Value})
		}
		all = append(all, got)
	}
	return all
}

// TestReadsFranz covers what our builder never writes: producer numbers, attributes, a large offset.
func TestReadsFranz(t *testing.T) {
	k := kmsg.RecordBatch{
		FirstOffset: 99, PartitionLeaderEpoch: 3, Magic: 2, Attributes: 8, LastOffsetDelta: int32(len(records) - 1),
		FirstTimestamp: 1000, MaxTimestamp: 1736937105123, ProducerID: 1 << 50, ProducerEpoch: 5, FirstSequence: 77,
		NumRecords: int32(len(records)),
	}
	for i, r := range records {
		f := kmsg.Record{TimestampDelta64: r.Timestamp - 1000, OffsetDelta: int32(i), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			f.Headers = append(f.Headers, kmsg.Header{Key: string(h.Key), Value: h.Value})
		}
		f.Length = int32(len(f.AppendTo(nil)) - 1) // a zero length takes one byte
		k.Records = f.AppendTo(k.Records)
	}
	k.Length = int32(49 + len(k.Records))
	p := k.AppendTo(nil)
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[21:], crc32.MakeTable(crc32.Castagnoli)))

	b, rest, err := batch.Next(append(p, "more"...))
	if err != nil || string(rest) != "more" {
		t.Fatalf("Next: %v, rest %q", err, rest)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	if err := b.CheckRecords(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(records, read(t, b)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if b.ProducerID() != 1<<50 || b.ProducerEpoch() != 5 || b.BaseSequence() != 77 || !b.IsLogAppendTime() {
		t.Error("producer numbers or attributes are not what franz-go wrote")
	}
}
