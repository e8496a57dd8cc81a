package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/snappy"

	"flashq/segment/batch"
	"flashq/slab"
)

// mostPlain bounds what one stored batch may decompress to.
const mostPlain = 64 << 20

// Kafka's compression numbers.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// names of the compressions, by their numbers.
var names = [...]string{codecNone: "none", codecGzip: "gzip", codecSnappy: "snappy", codecLZ4: "lz4", codecZstd: "zstd"}

// Name is what Kafka calls the compression of a batch.
func Name(b batch.Batch) string {
	if n := b.Codec(); n < len(names) {
		return names[n]
	}
	return "unknown"
}

// errCodec is returned for a batch whose compression can't be undone; to a reader that is damage.
var errCodec = errors.New("no decoder for this compression")

// Why says for people which bound or fault an error of Unpack is about.
func (c *Set) Why(b batch.Batch, err error) string {
	switch {
	case errors.Is(err, ErrTooLarge):
		return fmt.Sprintf("%s: decompressed, the batch is larger than %d bytes", Name(b), mostPlain)
	case errors.Is(err, ErrWindow):
		return fmt.Sprintf("%s: the window is larger than %d bytes", Name(b), c.window)
	case errors.Is(err, errCodec):
		return err.Error()
	}
	return Name(b) + ": the compressed data is damaged"
}

// Unpack gives a batch whose records can be walked: b itself, or a copy in room, a slab, that only differs in codec and
// length, so that everything but the records is still to be asked of b. It may replace room: the second value is the
// slab that it is then.
func (c *Set) Unpack(room []byte, b batch.Batch) (_ batch.Batch, _ []byte, err error) {
	return c.UnpackUpTo(room, b, mostPlain)
}

// UnpackUpTo is Unpack with a bound of the caller's on the bytes of the records: ErrTooLarge.
func (c *Set) UnpackUpTo(room []byte, b batch.Batch, most int) (_ batch.Batch, _ []byte, err error) {
	if b.Codec() == codecNone {
		return b, room, nil
	}
	packed := b[batch.HeaderSize:]
	if room == nil {
		room = slab.Get(4 * len(b))
	}
	plain := room[:0]
	plain = append(plain, b[:batch.HeaderSize]...)
	switch limit := batch.HeaderSize + min(most, mostPlain); b.Codec() {
	case codecGzip:
		plain, err = c.Gunzip(plain, bytes.NewReader(packed), limit)
	case codecZstd:
		plain, err = c.Unzstd(plain, bytes.NewReader(packed), limit)
	case codecSnappy:
		plain, err = unsnappy(plain, packed, limit)
	case codecLZ4:
		plain, err = c.unlz4(plain, bytes.NewReader(packed), limit)
	default:
		err = fmt.Errorf("%w: %d", errCodec, b.Codec())
	}
	return batch.Batch(plain), plain, err
}

// xerial is how Kafka's Java clients frame snappy: this magic, two version numbers, then blocks with their lengths.
var xerial = []byte("\x82SNAPPY\x00")

const xerialHead = 16

// unsnappy appends packed decompressed to dst, framed as Java does or bare.
func unsnappy(dst, packed []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(packed, xerial) || len(packed) < xerialHead {
		return unsnappyBlock(dst, packed, limit)
	}
	var err error
	for rest := packed[xerialHead:]; len(rest) > 0; {
		if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return dst, ErrDamaged
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		if dst, err = unsnappyBlock(dst, rest[4:end], limit); err != nil {
			return dst, err
		}
		rest = rest[end:]
	}
	return dst, nil
}

func unsnappyBlock(dst, block []byte, limit int) ([]byte, error) {
	size, err := snappy.DecodedLen(block)
	if err != nil {
		return dst, ErrDamaged
	}
	if size > limit-len(dst) {
		return dst, ErrTooLarge
	}
	dst = slab.Grow(dst, size)
	if _, err := snappy.Decode(dst[len(dst):len(dst)+size:len(dst)+size], block); err != nil {
		return dst, ErrDamaged
	}
	return dst[:len(dst)+size], nil
}
