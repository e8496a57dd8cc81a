// Package crc32c computes CRC-32C, the checksum of Kafka's record batches: as hash/crc32 does, but long runs by folding
// where the processor has the instructions for it, at twice the speed.
package crc32c

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of p.
func Checksum(p []byte) uint32 {
	if len(p) < foldFrom || !folds {
		return crc32.Checksum(p, castagnoli)
	}
	return foldedChecksum(p)
}

// folds tells whether long runs are folded: a processor that says it can, and is wrong, would have good batches called
// damaged.
var folds = canFold && agrees()

func agrees() bool {
	p := make([]byte, foldFrom+foldedSize+1)
	for i := range p {
		p[i] = byte(i * i >> 3)
	}
	return foldedChecksum(p) == crc32.Checksum(p, castagnoli)
}

func foldedChecksum(p []byte) uint32 {
	whole := len(p) &^ (foldedSize - 1)
	return crc32.Update(fold(&p[0], whole, &foldBy), castagnoli, p[whole:])
}

// A message is a polynomial, whose first bit has the highest power. What stands so many bits before its end can be
// taken away when it is added there again, multiplied by x to that power modulo the CRC's polynomial. fold does so with
// 128 bits at a time, each half by a multiplication without carries, until the last block is left and then the last 64
// bytes of it, whose checksum is all's.
const (
	foldBlock  = 256
	foldedSize = 64
	foldFrom   = 2 << 10 // with less, the end costs more than it brings
)

// foldBy is what both halves of 128 bits are multiplied by, the earlier one first, to move them a block on, and then
// 64 bytes on.
var foldBy = [4]uint64{
	powerOfX(8*foldBlock + 64), powerOfX(8 * foldBlock),
	powerOfX(8*foldedSize + 64), powerOfX(8 * foldedSize),
}

// powerOfX is x to the n modulo the polynomial. Bits are in the order of the message, the highest power lowest, so a
// product of two halves comes out one power too high: it has one less.
func powerOfX(n int) uint64 {
	power := uint32(1) << 31 // x to the 0
	for range n - 1 {
		carry := power & 1
		power = power>>1 ^ carry*crc32.Castagnoli
	}
	return uint64(power) << 32
}
