package broker

import (
	"errors"
	"fmt"
)

var (
	// ErrTopicNotFound is returned when a topic does not exist, or went away during the call.
	ErrTopicNotFound = errors.New("topic not found")
	// ErrPartitionNotFound is returned when a topic has no such partition.
	ErrPartitionNotFound = errors.New("partition not found")
	// ErrPartitionsImmutable is returned when a topic exists with another partition count.
	ErrPartitionsImmutable = errors.New("partition count can't change")
	// ErrTooManyTopics is returned when the engine's bound on topics is reached.
	ErrTooManyTopics = errors.New("too many topics")
	// ErrGroupNotFound is returned when a group is not stored.
	ErrGroupNotFound = errors.New("group not found")
	// ErrTooManyPartitions is returned when the engine's bound on the partitions of all topics is reached.
	ErrTooManyPartitions = errors.New("too many partitions")
	// ErrTooManyGroups is returned when the engine's bound on groups is reached.
	ErrTooManyGroups = errors.New("too many groups")
	// ErrTooManyCommits is returned when the engine's bound on what all groups commit, or one of them, is reached.
	ErrTooManyCommits = errors.New("too many commits")
	// ErrGroupActive is returned for what must not be done beside a group's live members.
	ErrGroupActive = errors.New("group has live members")
	// ErrMemberNotFound is returned when a group has no such member, or its lease has ended.
	ErrMemberNotFound = errors.New("member not found")
	// ErrNoTopics is returned when a new member names no topic.
	ErrNoTopics = errors.New("a new member names its topics")
	// ErrTooManyMembers is returned when the engine's bound on members, or on what they ask for, is reached.
	ErrTooManyMembers = errors.New("too many members")
	// ErrConflict is returned when something unknown stands where a topic's data would go.
	ErrConflict = errors.New("conflict")
	// ErrInvalid is returned when a change asks for a value that is out of range.
	ErrInvalid = errors.New("invalid value")
	// ErrOverloaded is returned when memory storage is full and nothing can be evicted; nothing was stored.
	ErrOverloaded = errors.New("overloaded")
	// ErrTooLarge is returned for records that the engine could not hold if it held nothing else; nothing was stored.
	ErrTooLarge = errors.New("larger than all of the storage")
	// ErrDraining is returned when the engine is closing; nothing was stored.
	ErrDraining = errors.New("draining")
	// ErrRecovering is returned while the engine is not ready yet.
	ErrRecovering = errors.New("recovering")
	// ErrDiskFull is returned when the disk has no room; nothing was stored, and it may be tried again.
	ErrDiskFull = errors.New("disk full")
	// ErrStorage is returned when a partition can't write any more until the broker is started again.
	ErrStorage = errors.New("storage error")
	// ErrTooManyOpenFiles is returned when the process or the machine has no descriptor left; it may be tried again.
	ErrTooManyOpenFiles = errors.New("too many open files")
	// ErrStopped is returned by a search that was told to stop.
	ErrStopped = errors.New("stopped")
	// ErrGone is returned when a snapshot's bytes were removed by retention: take a new one.
	ErrGone = errors.New("gone")
)

// TopicError is returned for what failed with a topic: Err is ErrTopicNotFound, a LimitError or what else happened.
type TopicError struct {
	Topic string
	Err   error
}

func (e *TopicError) Error() string { return fmt.Sprintf("topic %s: %v", e.Topic, e.Err) }
func (e *TopicError) Unwrap() error { return e.Err }

// FolderError is the ErrConflict of a topic that can't be made where this folder is.
type FolderError struct {
	Folder  string // in the data folder
	Leaving bool   // it is a deleted topic's, and about to go; otherwise it holds records of an unknown topic
}

func (e *FolderError) Error() string {
	if e.Leaving {
		return fmt.Sprintf("%v: folder %s is still being removed", ErrConflict, e.Folder)
	}
	return fmt.Sprintf("%v: folder %s holds records of an unknown topic", ErrConflict, e.Folder)
}
func (e *FolderError) Unwrap() error { return ErrConflict }

// LimitError tells which bound of the engine was reached: Err is ErrTooManyTopics, ErrTooManyPartitions,
// ErrTooManyGroups, ErrTooManyCommits, ErrTooManyKeys or ErrTooManyProducers.
type LimitError struct {
	Err   error
	Limit int64
}

func (e *LimitError) Error() string { return fmt.Sprintf("%v: the limit is %d", e.Err, e.Limit) }
func (e *LimitError) Unwrap() error { return e.Err }

// PartitionError is returned for what failed with one partition: Err is ErrPartitionNotFound, ErrStorage or what else
// happened to it.
type PartitionError struct {
	Topic      string
	Partition  int
	Partitions int // how many the topic has
	Err        error
}

func (e *PartitionError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: %v", e.Partition, e.Topic, e.Err)
}
func (e *PartitionError) Unwrap() error { return e.Err }

// PartitionCountError is returned by CreateTopic for a topic that exists with another count. It is an
// ErrPartitionsImmutable.
type PartitionCountError struct {
	Topic             string
	Asked, Partitions int // what the change wanted, and what the topic has
}

func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("topic %s has %d partitions, not %d: %v", e.Topic, e.Partitions, e.Asked, ErrPartitionsImmutable)
}
func (e *PartitionCountError) Unwrap() error { return ErrPartitionsImmutable }

// GroupError is returned for what failed with a group: Err is ErrGroupNotFound, ErrGroupActive or a LimitError.
type GroupError struct {
	Group string
	Err   error
}

func (e *GroupError) Error() string { return fmt.Sprintf("group %s: %v", e.Group, e.Err) }
func (e *GroupError) Unwrap() error { return e.Err }

// MemberError is returned for what failed with a member of a group: Err is ErrMemberNotFound or ErrNoTopics.
type MemberError struct {
	Group, Member string
	Err           error
}

func (e *MemberError) Error() string {
	return fmt.Sprintf("member %s of group %s: %v", e.Member, e.Group, e.Err)
}
func (e *MemberError) Unwrap() error { return e.Err }

// PartialError is returned by Append when some parts are stored (Part.Stored) and another failed.
type PartialError struct{ Cause error }

func (e *PartialError) Error() string { return "partially stored: " + e.Cause.Error() }
func (e *PartialError) Unwrap() error { return e.Cause }

// CorruptError is returned by Snapshot.Read when the bytes at the asked offset are damaged.
type CorruptError struct {
	FirstOffset    int64 // the first offset that can't be served
	NextGoodOffset int64 // the next one that can, or the high watermark
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("offsets %d to %d are damaged", e.FirstOffset, e.NextGoodOffset-1)
}

// UnreadableError is returned by a Snapshot's methods when a file can't be opened or read, which says nothing of the
// records in it: they may come back. It is an ErrStorage, or ErrGone where the file is not there.
type UnreadableError struct {
	FirstOffset int64 // the first offset that can't be read
	NextOffset  int64 // where the next file begins, or the high watermark
	Err         error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("offsets %d to %d can't be read: %v", e.FirstOffset, e.NextOffset-1, e.Err)
}
func (e *UnreadableError) Unwrap() error { return e.Err }

// OffsetError is returned by Commit for an offset that is not in the partition: below 0 or above the high watermark.
type OffsetError struct {
	Index         int // in Commit.Offsets
	Topic         string
	Partition     int
	Offset        int64
	HighWatermark int64
}

func (e *OffsetError) Error() string {
	return fmt.Sprintf("offset %d is not in partition %d of topic %s, which ends at %d", e.Offset, e.Partition, e.Topic,
		e.HighWatermark)
}

// FencedError is returned by Commit and Join for an offset whose member does not hold the partition without a break
// since its generation.
type FencedError struct {
	Group, Member string
	Index         int // of the offset; -1: a partition that was named
	Topic         string
	Partition     int
	Generation    int64 // the member's
	Current       int32 // the group's, 0 when there is none
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("member %s of group %s does not hold partition %d of topic %s since generation %d", e.Member,
		e.Group, e.Partition, e.Topic, e.Generation)
}
