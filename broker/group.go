package broker

// Where a group begins in a partition that it has no commit for.
const (
	StartEarliest = "earliest"
	StartLatest   = "latest"
)

// Group is one consumer group at one moment. A group that has neither commits nor was put is not stored.
type Group struct {
	Name       string
	Start      string // StartEarliest or StartLatest
	Generation int32
	Offsets    []GroupOffset // sorted by topic and partition
}

// GroupOffset is what a group committed in one partition.
type GroupOffset struct {
	Topic     string
	Partition int
	Offset    int64 // of the next record to read
	Metadata  string
	Timestamp int64 // when it was committed, milliseconds
	// Truncated is how many offsets the commit was moved back by, because a power cut took the records before it.
	Truncated int64
}

// Commit asks a group to remember offsets.
type Commit struct {
	Group string
	// Create makes a group that is not there; else that is ErrGroupNotFound.
	Create bool
	// Ack only moves forward: a commit that is there already at or beyond the offset stays.
	Ack bool
	// DryRun only tells what would be.
	DryRun  bool
	Offsets []CommitOffset // every partition at most once
}

// CommitOffset is one offset to be committed: that of the next record to read.
type CommitOffset struct {
	Topic     string
	Partition int
	Offset    int64
	Metadata  string
}

// Committed is what one CommitOffset came to.
type Committed struct {
	Offset    int64
	Previous  int64 // -1 without one
	Timestamp int64 // when it was committed, milliseconds
}
