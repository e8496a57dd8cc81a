package broker

// Where a group begins in a partition that it has no commit for.
const (
	StartEarliest = "earliest"
	StartLatest   = "latest" // the ends as they were when it first met the topic
)

// Bounds of groups, in every engine.
const (
	// MaxGroupMembers bounds the members of one group: a topic has 256 partitions at most, the rest stand by.
	MaxGroupMembers = 1000
	// MaxMemberTopics bounds the topics of one member.
	MaxMemberTopics = 100
	// CommitBytes is how many bytes of its names and metadata have a commit, or a group, count as one more against an
	// engine's bound on all of them.
	CommitBytes = 128
	// MaxGroupCommits bounds the commits of one group, so that its end fits into one batch.
	MaxGroupCommits = 100_000
	// DefaultSessionMs is how long the lease of a new member lives that says nothing else.
	DefaultSessionMs = 30_000
)

// Group is one consumer group at one moment. A group that has neither members nor commits nor was put is not stored.
type Group struct {
	Name       string
	Start      string        // StartEarliest or StartLatest
	Generation int32         // grows with each change of the members or of what they read
	Offsets    []GroupOffset // sorted by topic and partition
	// Met are the topics, sorted, that a group which starts at the latest has met: there, a partition without a commit
	// begins at its earliest record. In others it begins at the end.
	Met []string

	Live    int      // how many members live
	Topics  []string // that members ask for, sorted; not when the group was asked for with one topic
	Members []Member // the live ones, sorted by name; only when the whole group was asked for
	Seen    uint64   // for GroupWatch
}

// Member is one live member of a group.
type Member struct {
	Name       string
	Topics     []string         // sorted
	Assignment map[string][]int // the partitions that it holds, with an entry for each topic
	Expires    int64            // when its lease ends if it is not renewed, milliseconds
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
	// Ack only moves forward: a commit that is there already at or beyond the offset is kept.
	Ack bool
	// DryRun only tells what would be.
	DryRun bool
	// Member is who commits, of partitions that it holds without a break since Generation; "" is nobody in particular,
	// who may do it only while no member lives, or by Force. After that, what members acknowledge of the partitions from
	// before is fenced.
	Member     string
	Generation int64
	Force      bool
	Offsets    []CommitOffset // every partition at most once
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

// MemberCall is what a member does: it joins, renews its lease, acknowledges, all in one.
type MemberCall struct {
	Group, Member string
	// Create makes a group that is not there; else that is ErrGroupNotFound.
	Create bool
	// Topics take the place of what the member asked for before; nil leaves that as it is, and with Add they are added.
	// A topic need not exist yet.
	Topics []string
	Add    bool
	// SessionMs is how long the lease lives; 0 leaves it as it is, and is DefaultSessionMs for a new member.
	SessionMs int64
	// Held tells that the caller has waited and must still be a member; else ErrMemberNotFound.
	Held bool
	// Ack are offsets that the member is done with, all or none: it must hold each partition without a break since
	// Generation, else nothing is done at all. They only move forward.
	Ack        []CommitOffset
	Generation int64
	// Topic is the one whose commits and partitions are to be told; "" is all partitions, and no commits.
	Topic string
	// Needs are partitions of Topic that it must hold when the call comes, where it has an Ack: else nothing is done at
	// all, and the FencedError is about no offset. That it gives one up with the call is no matter.
	Needs []int
}

// Membership is what a MemberCall comes to.
type Membership struct {
	Group                       // without Members
	Assignment map[string][]int // the partitions that the member holds now, with an entry for each topic
	// Since are the generations from which on the member holds the partitions of the Topic that was asked for, in the
	// order of its assignment: what it acknowledges of one counts from there on.
	Since   []int32
	Expires int64  // when the lease ends if it is not renewed, milliseconds
	Seen    uint64 // for GroupWatch
}
