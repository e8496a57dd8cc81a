package http

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"

	"flashq/broker"
	"flashq/segment/batch"
)

// packed is a batch with these values as a Kafka client would have compressed it: same header, other records.
func packed(codec int, pack func(records []byte) []byte, values ...string) batch.Batch {
	var b batch.Builder
	b.Reset(nil)
	for i, v := range values {
		b.Add(int64(1000+i), nil, []byte(v))
	}
	plain := b.Finish()
	out := append(append([]byte{}, plain[:batch.HeaderSize]...), pack(plain[batch.HeaderSize:])...)
	return reseal(out, func(p []byte) { p[22] |= byte(codec) })
}

// reseal changes a batch and computes length and CRC again.
func reseal(p []byte, change func(p []byte)) batch.Batch {
	change(p)
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-batch.PrefixSize))
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[21:], crc32.MakeTable(crc32.Castagnoli)))
	return p
}

func (f *fixture) store(b batch.Batch) {
	f.Helper()
	storeIn(f.T, f.broker, b)
}

// storeIn stores a batch in partition 0 of the topic news.
func storeIn(t testing.TB, in broker.Broker, b batch.Batch) {
	t.Helper()
	topic, _, err := in.CreateTopic(t.Context(), "news", broker.TopicChange{})
	if err != nil {
		t.Fatal(err)
	}
	if err := topic.Append([]broker.Part{{Batch: b}}, broker.How{}); err != nil {
		t.Fatal(err)
	}
}

func asIs(p []byte) []byte { return p }

func TestStoredCompression(t *testing.T) {
	xerialBlocks := func(p []byte) []byte {
		out := append([]byte("\x82SNAPPY\x00"), 0, 0, 0, 1, 0, 0, 0, 1)
		for len(p) > 0 {
			n := min(len(p), 10)
			block := snappy.Encode(nil, p[:n])
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(block))), block...)
			p = p[n:]
		}
		return out
	}
	for name, b := range map[string]batch.Batch{
		"gzip":        packed(1, func(p []byte) []byte { return []byte(gzipped(t, string(p))) }, "one", "two", "three"),
		"snappy":      packed(2, func(p []byte) []byte { return snappy.Encode(nil, p) }, "one", "two", "three"),
		"lz4":         packed(3, func(p []byte) []byte { return lz4ed(t, p) }, "one", "two", "three"),
		"java snappy": packed(2, xerialBlocks, "one", "two", "three"),
		"zstd":        packed(4, func(p []byte) []byte { return []byte(zstded(t, string(p))) }, "one", "two", "three"),
	} {
		f := start(t, Config{})
		f.numbered("news", 0, 0, 1)
		f.store(b)
		f.numbered("news", 0, 4, 5)
		got := f.fetch("/topics/news/records")
		if got.values() != "0 one two three 4" || got.Records[2].Timestamp != "1970-01-01T00:00:01.001Z" {
			t.Errorf("%s: %s %+v", name, got.values(), got.Partitions)
		}
		got = f.fetch("/topics/news/records?from_offset=2&max_records=1")
		if got.values() != "two" || got.Position != "0:3" {
			t.Errorf("%s: %s at %s", name, got.values(), got.Position)
		}
	}
}

func lz4ed(t testing.TB, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What can't be taken apart is damage to a reader: told with the way around it, never skipped and never a dead end.
func TestUnreadableBatchesAreDamage(t *testing.T) {
	bomb := string(make([]byte, 80<<20))
	for name, b := range map[string]batch.Batch{
		"not lz4":       packed(3, asIs, "one", "two"),
		"cut lz4":       packed(3, func(p []byte) []byte { return lz4ed(t, p[:len(p)-3]) }, "one", "two"),
		"no such codec": packed(5, asIs, "one", "two"),
		"not gzip":      packed(1, asIs, "one", "two"),
		"not zstd":      packed(4, asIs, "one", "two"),
		"not snappy":    packed(2, asIs, "one", "two"),
		"cut records":   packed(1, func(p []byte) []byte { return []byte(gzipped(t, string(p[:len(p)-3]))) }, "one", "two"),
		"bomb":          packed(4, func(p []byte) []byte { return []byte(zstded(t, string(p))) }, bomb, "two"),
		"wrong records": packed(0, func(p []byte) []byte { return append(p[:0:0], make([]byte, len(p))...) }, "one", "two"),
	} {
		f := start(t, Config{})
		f.numbered("news", 0, 0, 1)
		f.store(b)
		f.numbered("news", 0, 3, 4)
		got := f.fetch("/topics/news/records")
		e := got.Partitions[0].Error
		if e == nil || e.NextGood != 3 || e.First < 1 || e.First > 2 || *got.NextOffset != e.First {
			t.Errorf("%s: %s %+v", name, got.values(), e)
		}
		if got := f.fetch("/topics/news/records?from_offset=3").values(); got != "3" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Which bound a batch meets, and of which compression, is told in every form of answer.
func TestWhatCantBeUnpackedSaysWhy(t *testing.T) {
	bomb := string(make([]byte, 65<<20))
	for want, b := range map[string]batch.Batch{
		"gzip: decompressed, the batch is larger than 67108864 bytes": packed(1,
			func(p []byte) []byte { return []byte(gzipped(t, string(p))) }, bomb),
		"snappy: decompressed, the batch is larger than 67108864 bytes": packed(2,
			func(p []byte) []byte { return snappy.Encode(nil, p) }, bomb),
		"lz4: decompressed, the batch is larger than 67108864 bytes": packed(3,
			func(p []byte) []byte { return lz4ed(t, p) }, bomb),
		"zstd: decompressed, the batch is larger than 67108864 bytes": packed(4,
			func(p []byte) []byte { return []byte(zstded(t, string(p))) }, bomb),
		"zstd: the window is larger than 16777216 bytes": packed(4,
			func([]byte) []byte { return []byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00") }, "one"),
		"lz4: the compressed data is damaged": packed(3, asIs, "one"),
		"no decoder for this compression: 5":  packed(5, asIs, "one"),
	} {
		f := start(t, Config{})
		f.numbered("news", 0, 0, 1)
		f.store(b)
		if got := f.get("/topics/news/records").want(t, 200).body; !strings.Contains(got, `"reason":"`+want+`"}`) {
			t.Errorf("no %q: %s", want, got)
		}
		lines := f.get("/topics/news/records", "Accept", "application/x-ndjson").want(t, 200)
		if got := lines.header.Get("FlashQ-Error"); !strings.HasSuffix(got, `"next_good_offset":2,"reason":"`+want+`"}]`) {
			t.Errorf("no %q: %s", want, got)
		}
		if d := f.get("/topics/news/records?from_offset=1").wantError(t, 500, "corrupt_data"); d["reason"] != want {
			t.Errorf("no %q: %v", want, d)
		}
	}
}

func TestControlBatchesAreNotShown(t *testing.T) {
	f := start(t, Config{})
	f.numbered("news", 0, 0, 1)
	f.store(reseal(packed(0, asIs, "commit"), func(p []byte) { p[22] |= 0x30 }))
	if got := f.fetch("/topics/news/records"); got.values() != "0" || got.Position != "0:2" || got.Lag != 0 {
		t.Errorf("%s at %s", got.values(), got.Position)
	}
	f.numbered("news", 0, 2, 3)
	f.store(reseal(packed(0, asIs, "leader"), func(p []byte) { p[22] |= 0x20 })) // no transaction's, as Kafka's own notes
	f.numbered("news", 0, 4, 5)
	if got := f.fetch("/topics/news/records").values(); got != "0 2 4" {
		t.Error(got)
	}
}

func TestLogAppendTimeIsTheBatchs(t *testing.T) {
	f := start(t, Config{})
	f.store(reseal(packed(0, asIs, "one", "two"), func(p []byte) { p[22] |= 0x08 }))
	for _, r := range f.fetch("/topics/news/records").Records {
		if r.Timestamp != "1970-01-01T00:00:01.001Z" {
			t.Errorf("%+v", r)
		}
	}
}
