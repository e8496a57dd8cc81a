// Package segment owns bytes at rest: the files of one partition's log exactly as Kafka writes them, their sparse
// indexes, rolling, recovery, trimming, and the immutable views that readers use. It starts no goroutine: a Log belongs
// to one owner; a View, a SealJob and a SyncJob may each be used by one other goroutine.
//
// A folder holds, named by base offset in 20 digits:
//
//	00000000000000000000.log        concatenated RecordBatch v2 (package batch)
//	00000000000000000000.index      u32 relative offset of a batch's LAST record, u32 position of that batch
//	00000000000000000000.timeindex  i64 largest timestamp so far, u32 relative offset of the last record of its batch
//	00000000000000000000.keynotes   what was asked for with the keys of its batches, until a roll has saved it: a cache
//	segments.checkpoint             what is known of the sealed segments, so that start-up need not read them: a cache
//	leader-epoch-checkpoint         Kafka's: which epoch began at which offset
//	<base>-<position>.broken        a torn tail that recovery cut off
//
// The last segment is the active one: its indexes live in memory, and their files are written when it is sealed or the
// log is closed. Files are never trusted over the log: an index entry counts only if the batch that it names is there.
package segment
