package codec

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/snappy"

	"flashq/segment/batch"
)

// FuzzUnpack takes any bytes as the records of a batch in any compression: never a panic, never more than the bound, and
// what was packed well comes back as it was.
func FuzzUnpack(f *testing.F) {
	set := New(1 << 20)
	text := bytes.Repeat([]byte("record "), 300)
	packed := map[uint8][]byte{
		codecGzip: set.Gzip(nil, text), codecZstd: set.Zstd(nil, text), codecSnappy: snappy.Encode(nil, text),
	}
	for kind, p := range packed {
		f.Add(kind, p)
		f.Add(kind, p[:len(p)/2])
		f.Add(kind, append(bytes.Clone(p), p...))
	}
	f.Add(uint8(codecSnappy), []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x02\x04ab"))
	f.Add(uint8(codecSnappy), snappy.Encode(nil, make([]byte, 100_000)))
	f.Add(uint8(codecZstd), set.Zstd(nil, make([]byte, 100_000)))
	f.Add(uint8(codecSnappy), []byte("\xff\xff\xff\xff\x0f"))
	f.Add(uint8(codecLZ4), []byte("\x04\x22\x4d\x18\x60\x40\x82\x03\x00\x00\x80abc\x00\x00\x00\x00"))
	f.Add(uint8(codecZstd), []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		const most = 50_000
		b := make(batch.Batch, batch.HeaderSize, batch.HeaderSize+len(data))
		b[22] = kind % 8 // attributes, the low byte
		b = append(b, data...)
		plain, _, err := set.UnpackUpTo(nil, b, most)
		if err == nil && kind%8 != codecNone && len(plain) > batch.HeaderSize+most {
			t.Fatalf("%s became %d bytes", Name(b), len(plain))
		}
		if err != nil && set.Why(b, err) == "" {
			t.Fatal("no words for", err)
		}
		whole, known := packed[kind%8]
		if known && err == nil && bytes.Equal(data, whole) && !bytes.Equal(plain[batch.HeaderSize:], text) {
			t.Fatalf("%s became another text", Name(b))
		}
	})
}
