// Package batch owns Kafka's RecordBatch v2 as bytes: views that read and stamp a batch in place, the walk over its
// records, and the builder that encodes a new one. It does no I/O, keeps no clock and needs the standard library and a
// faster CRC-32C only.
//
// A batch, big endian; the CRC-32C covers everything after itself, so an owner may stamp base offset and leader epoch
// without computing it again:
//
//	 0  baseOffset           i64
//	 8  batchLength          i32   bytes after this field
//	12  partitionLeaderEpoch i32
//	16  magic                i8    always 2
//	17  crc                  u32   CRC-32C of bytes 21..end
//	21  attributes           i16   bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control
//	23  lastOffsetDelta      i32
//	27  baseTimestamp        i64   milliseconds
//	35  maxTimestamp         i64
//	43  producerId           i64   -1 = none
//	51  producerEpoch        i16
//	53  baseSequence         i32
//	57  recordCount          i32
//	61  records
//
// A record; every length and delta is a zigzag varint, -1 is a null key or value:
//
//	length, attributes i8, timestampDelta, offsetDelta, keyLength, key, valueLength, value,
//	headerCount, then per header: keyLength, key, valueLength, value
package batch
