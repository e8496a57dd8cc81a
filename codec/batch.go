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

// errCodec is returned for a batch whose compression can't be undone; to a reader that is damage.
var errCodec = errors.New("no decoder for this compression")

// Unpack gives a batch whose records can be walked: b itself, or a copy in room, a slab, that only differs in codec and
// length, so that everything but the records is still to be asked of b. It may replace room: the second value is the
// slab that it is then.
func (c *Set) Unpack(room []byte, b batch.Batch) (_ batch.Batch, _ []byte, err error) {
	if b.Codec() == codecNone {
		return b, room, nil
	}
	packed := b[batch.HeaderSize:]
	if room == nil {
		room = slab.Get(4 * len(b))
	}
	plain := room[:0]
	plain = append(plain, b[:batch.HeaderSize]...)
	switch limit := batch.HeaderSize + mostPlain; b.Codec() {
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
	if err != nil || size > limit-len(dst) {
		return dst, ErrDamaged
	}
	dst = slab.Grow(dst, size)
	if _, err := snappy.Decode(dst[len(dst):len(dst)+size:len(dst)+size], block); err != nil {
		return dst, ErrDamaged
	}
	return dst[:len(dst)+size], nil
}
