package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flashq/segment/batch"
)

// TestEveryFlippedBitIsNoticed: from the magic on. What stands before is the owner's to judge.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	b := build(records)
	for bit := 16 * 8; bit < len(b)*8; bit++ {
		b[bit/8] ^= 1 << (bit % 8)
		if err := b.Check(); !errors.Is(err, batch.ErrCorrupt) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}

func TestNext(t *testing.T) {
	b := build(records)
	for n := range len(b) {
		if _, rest, err := batch.Next(b[:n]); !errors.Is(err, batch.ErrShort) || len(rest) != n {
			t.Fatalf("%d of %d bytes: %v, %d left", n, len(b), err, len(rest))
		}
	}
	two := append(bytes.Clone(b), b...)
	first, rest, err := batch.Next(two)
	if err != nil || !bytes.Equal(first, b) || !bytes.Equal(rest, b) {
		t.Errorf("two batches: %v, %d and %d bytes", err, len(first), len(rest))
	}
	for _, length := range []uint32{0, 48, 1 << 31, 0xffffffff} {
		spoiled := bytes.Clone(b)
		binary.BigEndian.PutUint32(spoiled[8:], length)
		if _, _, err := batch.Next(spoiled); !errors.Is(err, batch.ErrCorrupt) {
			t.Errorf("length %d: %v", int32(length), err)
		}
	}
}

// TestCheckRefuses what the CRC does not cover, or covers although it makes no sense.
func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b batch.Batch)
	}{
		{"negative base offset", func(b batch.Batch) { b.SetBaseOffset(-1) }},
		{"offsets beyond int64", func(b batch.Batch) { b.SetBaseOffset(1<<63 - 2) }},
		{"negative last offset delta", func(b batch.Batch) { binary.BigEndian.PutUint32(b[23:], 1<<31) }},
		{"negative count", func(b batch.Batch) { binary.BigEndian.PutUint32(b[57:], 1<<31) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := build(records)
			c.spoil(b)
			seal(b)
			if err := b.Check(); !errors.Is(err, batch.ErrCorrupt) {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// seal computes the CRC as another program would that writes nonsense.
func seal(b batch.Batch) {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
}

// TestCheckRecordsRefuses batches of strangers that Check can't see through, because their CRC is right.
func TestCheckRecordsRefuses(t *testing.T) {
	// one is a batch around one record's bytes, which claims to hold count records.
	one := func(count uint32, records ...byte) batch.Batch {
		b := append(bytes.Clone(build([]record{{Value: []byte("x")}})[:batch.HeaderSize]), records...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		binary.BigEndian.PutUint32(b[23:], count-1)
		binary.BigEndian.PutUint32(b[57:], count)
		seal(b)
		return b
	}
	// The good record: length 7, attributes, time 0, offset 0, no key, value of one byte, no headers.
	good := []byte{14, 0, 0, 0, 1, 2, 'x', 0}
	if err := one(1, good...).CheckRecords(); err != nil {
		t.Fatalf("the good record: %v", err)
	}
	for _, c := range []struct {
		name string
		b    batch.Batch
	}{
		{"none at all", one(0)},
		{"one less than counted", one(2, good...)},
		{"bytes after the last", one(1, append(bytes.Clone(good), 0)...)},
		{"offset delta 1 first", one(1, 14, 0, 0, 2, 1, 2, 'x', 0)},
		{"negative length", one(1, 1)},
		{"no attributes", one(1, 0)},
		{"length beyond the end", one(1, 16, 0, 0, 0, 1, 2, 'x', 0)},
		{"value beyond the record", one(1, 14, 0, 0, 0, 1, 8, 'x', 0)},
		{"key length -2", one(1, 14, 0, 0, 0, 3, 2, 'x', 0)},
		{"headers counted but absent", one(1, 14, 0, 0, 0, 1, 2, 'x', 2)},
		{"negative header count", one(1, 14, 0, 0, 0, 1, 2, 'x', 1)},
		{"bytes after the headers", one(1, 16, 0, 0, 0, 1, 2, 'x', 0, 0)},
		{"header without name", one(1, 18, 0, 0, 0, 1, 2, 'x', 2, 1, 1)},
		{"varint without end", one(1, 0x80, 0x80)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.b.CheckRecords(); !errors.Is(err, batch.ErrCorrupt) {
				t.Errorf("CheckRecords: %v", err)
			}
		})
	}
	compressed := one(1, good...)
	compressed[22] = 4
	if err := compressed.CheckRecords(); !errors.Is(err, batch.ErrCorrupt) {
		t.Errorf("compressed: %v", err)
	}
}

func TestEmptyBuilderHasNoBatch(t *testing.T) {
	var b batch.Builder
	if got := b.Finish(); got != nil {
		t.Errorf("%d bytes", len(got))
	}
}

// TestBuilderIsReusable: nothing of an earlier batch may show in the next one.
func TestBuilderIsReusable(t *testing.T) {
	var b batch.Builder
	b.Reset(make([]byte, 0, 1<<10))
	for _, r := range records {
		b.Add(r.Timestamp+5, r.Key, r.Value, r.Headers...)
	}
	b.Finish()
	b.Reset(b.Buf)
	b.Add(7, nil, []byte("hello"))
	if b.Count() != 1 || b.LastTimestamp() != 7 || b.MaxTimestamp() != 7 {
		t.Errorf("count %d, last %d, max %d", b.Count(), b.LastTimestamp(), b.MaxTimestamp())
	}
	if got, want := b.Finish(), build([]record{{Timestamp: 7, Value: []byte("hello")}}); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", []byte(got), []byte(want))
	}
}

func TestShiftTimestamps(t *testing.T) {
	b := build(records)
	b.SetBaseOffset(12)
	b.ShiftTimestamps(1500)
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	got := read(t, b)
	for i, r := range records {
		r.Timestamp += 1500
		if diff := cmp.Diff(r, got[i]); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
	}
	if b.MaxTimestamp() != 1736937105123+1500 || b.BaseOffset() != 12 {
		t.Errorf("max timestamp %d, base offset %d", b.MaxTimestamp(), b.BaseOffset())
	}
}

// TestRoundTrip: whatever goes into a builder comes out of the batch.
func TestRoundTrip(t *testing.T) {
	blob := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 200))
	header := rapid.Custom(func(t *rapid.T) batch.Header {
		return batch.Header{Key: rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "name"), Value: blob.Draw(t, "value")}
	})
	one := rapid.Custom(func(t *rapid.T) record {
		r := record{
			Timestamp: rapid.Int64Range(-1<<62, 1<<62).Draw(t, "timestamp"),
			Key:       blob.Draw(t, "key"), Value: blob.Draw(t, "value"),
		}
		if headers := rapid.SliceOfN(header, 0, 3).Draw(t, "headers"); len(headers) > 0 {
			r.Headers = headers
		}
		return r
	})
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(one, 1, 10).Draw(rt, "records")
		b := build(want)
		b.SetBaseOffset(rapid.Int64Range(0, 1<<62).Draw(rt, "offset"))
		if err := errors.Join(b.Check(), b.CheckRecords()); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, read(t, b)); diff != "" {
			rt.Fatalf("records (-want +got):\n%s", diff)
		}
	})
}

func TestVarintSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		p := batch.AppendVarint(nil, v)
		if got, n := binary.Varint(p); got != v || n != len(p) || batch.VarintSize(v) != n {
			t.Fatalf("%d: read back %d, %d bytes, size says %d", v, got, n, batch.VarintSize(v))
		}
	})
}

// TestWithCount is how damage of a batch's count is told from damage of its records.
func TestWithCount(t *testing.T) {
	b := build(records)
	damaged := bytes.Clone(b)
	binary.BigEndian.PutUint32(damaged[23:], 8)
	binary.BigEndian.PutUint32(damaged[57:], 9)
	if batch.Batch(damaged).CRCHolds() || batch.Batch(damaged).WithCount(5).CRCHolds() {
		t.Error("the CRC holds for a wrong count")
	}
	if mended := batch.Batch(damaged).WithCount(4); !mended.CRCHolds() || !bytes.Equal(mended, b) {
		t.Error("the right count does not mend the batch")
	}
	if batch.Batch(damaged).Count() != 9 {
		t.Error("the original was written to")
	}
}
