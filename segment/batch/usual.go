package batch

import "encoding/binary"

// nextUsual is Next for a record as nearly all are: numbers of one byte or two, a short key, and, since numbers are
// read eight bytes at a time, not the last of a batch. Where it tells false nothing has moved, and next judges.
func (it *Iterator) nextUsual() bool {
	p := it.rest
	if it.err != nil || it.left <= 0 || len(p) < 8 {
		return false
	}
	w := binary.LittleEndian.Uint64(p)
	length, n1 := brief(w)
	w >>= n1 + 8 // and the attributes
	time, n2 := brief(w)
	w >>= n2
	offset, n3 := brief(w)
	w >>= n3
	if n1 == 0 || n2 == 0 || n3 == 0 || w&0x80 != 0 {
		return false
	}
	at, end := uint64(n1+n2+n3)/8+2, uint64(n1)/8+uint64(length) // a negative one is beyond every end
	keySize := w & 0x7f
	if end > uint64(len(p)) || end < at {
		return false
	}
	var key []byte
	if keySize != 1 {
		if keySize&1 != 0 || at+keySize/2 > end {
			return false
		}
		key = p[at : at+keySize/2 : at+keySize/2]
		at += keySize / 2
	}
	return it.finishUsual(p, key, at, end, time, offset)
}

// finishUsual goes on after the key, which ends at at; the record ends at end.
func (it *Iterator) finishUsual(p, key []byte, at, end uint64, time, offset int64) bool {
	if at+8 > uint64(len(p)) {
		return false
	}
	size, n := brief(binary.LittleEndian.Uint64(p[at:]))
	at += uint64(n) / 8
	to := at + uint64(size)
	if n == 0 || size < 0 || to >= end || p[to]&0x81 != 0 || uint64(p[to]/2) > end-to-1 {
		return false
	}
	r := &it.Record
	r.OffsetDelta, r.TimestampDelta = int32(offset), time
	r.Key, r.Value = key, p[at:to:to]
	r.headers, r.headerCount = p[to+1:end], int(p[to]/2)
	it.rest = p[end:]
	it.left--
	return true
}

// brief reads a zigzag varint from the lowest bytes of w, and tells how many bits it takes: 8, 16, or 0 for a longer
// one.
func brief(w uint64) (v int64, size uint) {
	u := w & 0x7f
	size = 8
	if w&0x80 != 0 {
		if w&0x8000 != 0 {
			return 0, 0
		}
		u |= w >> 1 & 0x3f80
		size = 16
	}
	return int64(u>>1) ^ -int64(u&1), size
}
