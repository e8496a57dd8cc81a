package recordbody_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/http/recordbody"
	"flashq/segment/batch"
)

// goldenOne is what Kafka's Java client wrote: one record at offset 0, time 1736937045123, no key, value "hello".
const goldenOne = "00000000000000000000003dffffffff027a08f2ba000000000000000001946983fc83000001946983fc83ffffffffff" +
	"ffffffffffffffffff0000000116000000010a68656c6c6f00"

func golden(tb testing.TB) []byte {
	tb.Helper()
	p, err := hex.DecodeString(goldenOne)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Batches are stored as they came, whatever their compression: nothing that the CRC covers is touched.
func TestBatchesStayAsTheyCame(t *testing.T) {
	for name, coding := range codings {
		first := packed(t, coding, nil, record{time: now - 5, key: []byte("k"), value: []byte("a")}, record{time: now + 3})
		second := packed(t, coding, func(b *kmsg.RecordBatch) {
			b.ProducerID, b.ProducerEpoch, b.FirstSequence = 1<<62-1, 3, 1<<31-1
		}, record{time: now - 9, value: []byte{}, headers: []kmsg.Header{{Key: "", Value: nil}, {Key: "h", Value: []byte("v")}}})
		body := slices.Concat(first, second, golden(t))
		sent := bytes.Clone(body)
		var d recordbody.Batches
		req, err := d.Decode(body, target, plainly)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		part := req.Parts[0]
		if req.Count != 4 || part.Partition != 1 || part.BrokerTime || part.LastTimestamp != 1736937045123 || len(part.Rest) != 2 {
			t.Errorf("%s: %+v", name, req)
		}
		kept := slices.Concat([]byte(part.Batch), []byte(part.Rest[0]), []byte(part.Rest[1]))
		for _, at := range []int{0, len(first), len(first) + len(second)} {
			copy(sent[at:at+8], make([]byte, 8)) // what stood there as base offset means nothing
		}
		if !bytes.Equal(kept, sent) {
			t.Errorf("%s: the batches changed", name)
		}
		if whole := part.Batch[:len(body)]; &whole[0] != &body[0] || cap(whole) != cap(body) || &part.Rest[0][0] != &whole[len(first)] {
			t.Errorf("%s: the batches were copied, or don't tell in what they stand", name)
		}
		d.Release()
	}
}

// A body is told with the whole capacity of its slab: who keeps its batches keeps all of that.
func TestABodyOfOneBatchIsTheWholeSlab(t *testing.T) {
	var d recordbody.Batches
	req, err := d.Decode(append(make([]byte, 0, 4096), golden(t)...), target, plainly)
	if err != nil || cap(req.Parts[0].Batch) != 4096 || len(req.Parts[0].Batch) != len(goldenOne)/2 {
		t.Errorf("%v %+v", err, req)
	}
}

func TestBatchesRefused(t *testing.T) {
	none := kgo.NoCompression()
	good := packed(t, none, nil, text("a"), text("b"))
	with := func(change func(b *kmsg.RecordBatch)) []byte { return packed(t, none, change, text("a"), text("b")) }
	spoiled := func(at int, by byte) []byte {
		p := bytes.Clone(good)
		p[at] ^= by
		return p
	}
	attribute := func(bits int16) []byte { return with(func(b *kmsg.RecordBatch) { b.Attributes |= bits }) }
	for name, row := range map[string]struct {
		body  []byte
		code  string
		index int
		says  string
	}{
		"empty":             {nil, "validation_error", -1, "no batch"},
		"a few bytes":       {good[:7], "corrupt_batch", 0, "ends with 7 bytes, which are no batch"},
		"no end":            {good[:len(good)-1], "corrupt_batch", 0, "the body ends after"},
		"trailing bytes":    {append(bytes.Clone(good), 1, 2, 3), "corrupt_batch", 1, "ends with 3 bytes"},
		"a negative size":   {spoiled(8, 0x80), "corrupt_batch", 0, "length -"},
		"a spoiled value":   {spoiled(len(good)-3, 1), "corrupt_batch", 0, "crc"},
		"a spoiled crc":     {spoiled(18, 1), "corrupt_batch", 0, "crc"},
		"magic 1":           {spoiled(16, 3), "corrupt_batch", 0, "magic is 1"},
		"JSON":              {[]byte(`{"records":[{"value":"a"}]}`), "corrupt_batch", 0, "magic"},
		"no records":        {packed(t, none, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 0 }), "corrupt_batch", 0, "no record"},
		"another count":     {with(func(b *kmsg.RecordBatch) { b.NumRecords = 3 }), "corrupt_batch", 0, "counts 3 records"},
		"too few records":   {with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 3, 2 }), "corrupt_batch", 0, "record 2: record length"},
		"too many records":  {with(func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = 1, 0 }), "corrupt_batch", 0, "bytes after the last record"},
		"another time":      {with(func(b *kmsg.RecordBatch) { b.MaxTimestamp++ }), "corrupt_batch", 0, "largest timestamp"},
		"an unknown codec":  {attribute(5), "corrupt_batch", 0, "compression 5 is unknown"},
		"an unknown bit":    {attribute(0x40), "corrupt_batch", 0, "attributes 0x40"},
		"not gzip":          {attribute(1), "corrupt_batch", 0, "damaged"},
		"not snappy":        {attribute(2), "corrupt_batch", 0, "damaged"},
		"not lz4":           {attribute(3), "corrupt_batch", 0, "damaged"},
		"not zstd":          {attribute(4), "corrupt_batch", 0, "damaged"},
		"a control batch":   {attribute(0x20), "not_supported", 0, "control"},
		"a transaction":     {attribute(0x10), "not_supported", 0, "transaction"},
		"append time":       {attribute(0x08), "validation_error", 0, "LogAppendTime"},
		"an engine's id":    {with(func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch, b.FirstSequence = 1<<62, 0, 0 }), "not_supported", 0, "bit 62"},
		"a negative id":     {with(func(b *kmsg.RecordBatch) { b.ProducerID = -2 }), "corrupt_batch", 0, "producer id -2"},
		"no epoch":          {with(func(b *kmsg.RecordBatch) { b.ProducerID, b.FirstSequence = 9, 0 }), "corrupt_batch", 0, "epoch -1"},
		"no sequence":       {with(func(b *kmsg.RecordBatch) { b.ProducerID, b.ProducerEpoch = 9, 0 }), "corrupt_batch", 0, "sequence -1"},
		"offsets that jump": {with(func(b *kmsg.RecordBatch) { b.Records[3] = 2 }), "corrupt_batch", 0, "record 0 has offset delta 1"},
		"a later batch":     {slices.Concat(good, good, spoiled(18, 1)), "corrupt_batch", 2, "batch 2 is corrupt: crc"},
		"a header cut":      {with(func(b *kmsg.RecordBatch) { b.Records[len(b.Records)-1] = 2 }), "corrupt_batch", 0, "record"},
	} {
		var d recordbody.Batches
		_, err := d.Decode(row.body, target, plainly)
		var bad *recordbody.Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bad.Code != row.code || bad.Index != row.index || !strings.Contains(bad.Message, row.says) {
			t.Errorf("%s: %s %d %s", name, bad.Code, bad.Index, bad.Message)
		}
	}
}

// What a retry could not be told by is refused the first time: more batches of a producer than a partition knows again,
// or two of its epochs. Others beside them don't count.
func TestBatchesThatARetryWouldNotFind(t *testing.T) {
	numbered := func(id int64, epoch int16, from, n int) (body []byte) {
		for i := range n {
			body = append(body, packed(t, kgo.NoCompression(), func(b *kmsg.RecordBatch) {
				b.ProducerID, b.ProducerEpoch, b.FirstSequence = id, epoch, int32(from+i)
			}, text("a"))...)
		}
		return body
	}
	plain := packed(t, kgo.NoCompression(), nil, text("a"))
	for name, row := range map[string]struct {
		body  []byte
		index int // -1: taken
		says  string
	}{
		"five":                  {numbered(7, 0, 0, 5), -1, ""},
		"five and others":       {slices.Concat(plain, numbered(7, 0, 0, 5), plain, numbered(8, 1, 0, 5), plain), -1, ""},
		"seven of nobody":       {slices.Repeat(plain, 7), -1, ""},
		"six":                   {numbered(7, 0, 0, 6), 5, "more than 5 batches of producer id 7 in one body"},
		"six with others among": {slices.Concat(plain, numbered(7, 0, 0, 3), numbered(8, 0, 0, 1), numbered(7, 0, 3, 3)), 7, "Idempotency-Key"},
		"two epochs":            {slices.Concat(numbered(7, 0, 0, 1), plain, numbered(7, 1, 0, 1)), 2, "epoch 1 here and 0 before"},
	} {
		var d recordbody.Batches
		_, err := d.Decode(row.body, target, plainly)
		var bad *recordbody.Error
		switch errors.As(err, &bad); {
		case row.index < 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.index < 0:
		case bad == nil || bad.Code != "not_supported" || bad.Index != row.index || !strings.Contains(bad.Message, row.says):
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// Records in batches are held against the limits of all records, compressed ones too.
func TestBatchesLimits(t *testing.T) {
	long := strings.Repeat("x", 9)
	for name, row := range map[string]struct {
		bad         record
		field       string
		most, given int
	}{
		"key":          {record{time: now, key: []byte(long)}, "key", 8, 9},
		"value":        {record{time: now, value: make([]byte, 1<<20+1)}, "value", 1 << 20, 1<<20 + 1},
		"header name":  {record{time: now, headers: []kmsg.Header{{Key: long}}}, "headers", 8, 9},
		"header value": {record{time: now, headers: []kmsg.Header{{Value: []byte(long)}}}, "headers", 6, 9},
		"headers":      {record{time: now, headers: make([]kmsg.Header, 3)}, "headers", 2, 3},
		"the future":   {record{time: now + recordbody.MaxAhead + 1}, "timestamp", -1, -1},
		"the past":     {record{time: -1}, "timestamp", -1, -1},
	} {
		for name2, coding := range codings {
			body := slices.Concat(packed(t, coding, nil, text("a"), text("b")), packed(t, coding, nil, text("c"), row.bad))
			var d recordbody.Batches
			_, err := d.Decode(body, target, unpacker{plainly.set, 2 << 20})
			var bad *recordbody.Error
			if !errors.As(err, &bad) || bad.Code != "validation_error" || bad.Index != 3 || bad.Field != row.field ||
				bad.MaxSize != row.most || bad.ActualSize != row.given || !strings.HasPrefix(bad.Message, "batch 1, record 1: ") {
				t.Errorf("%s, %s: %+v", name, name2, err)
			}
		}
	}
	edge := record{time: now + recordbody.MaxAhead, key: []byte(long[:8]), value: make([]byte, 1<<20), headers: []kmsg.Header{
		{Key: long[:8], Value: []byte(long[:6])}, {},
	}}
	var d recordbody.Batches
	if _, err := d.Decode(packed(t, kgo.NoCompression(), nil, edge), target, plainly); err != nil {
		t.Error(err)
	}
	endless := recordbody.Target{Partitions: 1, Now: now}
	if _, err := d.Decode(packed(t, kgo.NoCompression(), nil, edge, text("b")), endless, plainly); err != nil {
		t.Error("no limit is one:", err)
	}
}

// The digest of records is the same in batches, compressed or not, and cut in other places; anything else in them
// makes another.
func TestDigestOfBatches(t *testing.T) {
	records := []record{
		{time: now, key: []byte("k"), value: []byte("v"), headers: []kmsg.Header{{Key: "h", Value: []byte("x")}}},
		{time: now - 1, value: []byte(strings.Repeat("long", 1000))},
		{time: now, key: []byte{}},
	}
	digest := func(partition int, bodies ...[]byte) [16]byte {
		var d recordbody.Batches
		to := target
		to.Partition, to.Digest = partition, new(recordbody.Digest)
		to.Digest.Reset()
		if _, err := d.Decode(slices.Concat(bodies...), to, plainly); err != nil {
			t.Fatal(err)
		}
		return to.Digest.Sum()
	}
	none := kgo.NoCompression()
	want := digest(1, packed(t, none, nil, records...))
	for name, coding := range codings {
		if digest(1, packed(t, coding, nil, records[0]), packed(t, coding, nil, records[1:]...)) != want {
			t.Errorf("%s: another digest", name)
		}
	}
	seen := map[[16]byte]string{want: "the records", digest(2, packed(t, none, nil, records...)): "another partition"}
	for name, change := range map[string]func(r []record) []record{
		"order":       func(r []record) []record { return []record{r[1], r[0], r[2]} },
		"fewer":       func(r []record) []record { return r[:2] },
		"time":        func(r []record) []record { r[0].time--; return r },
		"key":         func(r []record) []record { r[0].key = []byte("K"); return r },
		"no key":      func(r []record) []record { r[2].key = nil; return r },
		"empty value": func(r []record) []record { r[2].value = []byte{}; return r },
		"moved": func(r []record) []record {
			r[0].key, r[0].value = []byte("kv"), []byte{}
			return r
		},
		"header value": func(r []record) []record { r[0].headers = []kmsg.Header{{Key: "h", Value: []byte("y")}}; return r },
		"null header":  func(r []record) []record { r[0].headers = []kmsg.Header{{Key: "h"}}; return r },
		"empty header": func(r []record) []record { r[0].headers = []kmsg.Header{{Key: "h", Value: []byte{}}}; return r },
		"no header":    func(r []record) []record { r[0].headers = nil; return r },
	} {
		sum := digest(1, packed(t, none, nil, change(slices.Clone(records))...))
		if other, known := seen[sum]; known {
			t.Errorf("%s: the digest of %s", name, other)
		}
		seen[sum] = name
	}
}

// FuzzBatches gives any bytes as a body: never a panic, and what is taken is whole, by the judgement of the package that
// reads it later.
func FuzzBatches(f *testing.F) {
	f.Add(golden(f))
	for _, coding := range codings {
		f.Add(packed(f, coding, nil, text("a"), record{time: now, key: []byte("k"), headers: []kmsg.Header{{Key: "h"}}}))
		f.Add(slices.Concat(packed(f, coding, nil, text("a")), packed(f, coding, nil, text("b"))))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		resealed := bytes.Clone(p) // else hardly anything gets beyond the CRC
		for rest := resealed; len(rest) >= batch.HeaderSize; {
			one, after, err := batch.Next(rest)
			if err != nil {
				break
			}
			binary.BigEndian.PutUint32(rest[17:], binary.BigEndian.Uint32(seal(bytes.Clone(one))[17:]))
			rest = after
		}
		for _, body := range [][]byte{p, resealed} {
			checkDecoded(t, body)
		}
	})
}

func checkDecoded(t *testing.T, body []byte) {
	t.Helper()
	var d recordbody.Batches
	defer d.Release()
	req, err := d.Decode(body, target, plainly)
	var bad *recordbody.Error
	if err != nil {
		if !errors.As(err, &bad) || bad.Message == "" {
			t.Fatalf("unknown fault: %v", err)
		}
		return
	}
	size, count := 0, 0
	for _, b := range append([]batch.Batch{req.Parts[0].Batch}, req.Parts[0].Rest...) {
		size += len(b)
		count += int(b.Count())
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if b.Codec() == 0 && b.CheckRecords() != nil {
			t.Fatal(b.CheckRecords())
		}
	}
	if size != len(body) || count != req.Count || count == 0 {
		t.Fatalf("%d bytes and %d records of a body with %d and %d", size, count, len(body), req.Count)
	}
}
