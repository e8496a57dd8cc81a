package broker

import (
	"context"

	"flashq/segment/batch"
)

// Broker is one storage engine. All methods may be called by any number of goroutines. What fails with a topic, a
// partition, a group or a member is told by a TopicError, a PartitionError, a GroupError or a MemberError, which wraps
// the sentinel.
type Broker interface {
	Topics
	Groups
	Members
	Figures

	// Ready is nil while the engine takes writes; else ErrDraining, ErrRecovering, ErrDiskFull or ErrStorage.
	Ready() error
	// Close finishes what was accepted, syncs it and ends the engine. Calls after it fail with ErrDraining.
	Close() error
}

// Topics are what an engine keeps records in.
type Topics interface {
	// Topic finds a topic: ErrTopicNotFound.
	Topic(ctx context.Context, name string) (Topic, error)
	// Topics lists what exists, sorted by name, internal topics left out.
	Topics(ctx context.Context) ([]Topic, error)
	// CreateTopic makes a topic, or finds it with the same partition count and applies the fields that c sets.
	// Partitions 0 means the default on creation and "whatever it has" after it. ErrPartitionsImmutable.
	CreateTopic(ctx context.Context, name string, c TopicChange) (t Topic, created bool, err error)
	// DeleteTopic ends a topic with its records, and what groups committed in it: ErrTopicNotFound.
	DeleteTopic(ctx context.Context, name string) error
}

// Groups are the consumer groups and what they committed.
type Groups interface {
	// Group finds a group with what it committed in one topic, or in all (topic ""): ErrGroupNotFound.
	Group(ctx context.Context, name, topic string) (Group, error)
	// Meet is Group for one who is about to read the topic, which need not exist: a group that starts at the latest and
	// meets it for the first time commits the ends of all partitions, as they are now. Where there is no room to write
	// them, they stand in memory until there is. Join does the same for a member's topics. ErrGroupNotFound,
	// ErrTooManyCommits.
	Meet(ctx context.Context, name, topic string) (Group, error)
	// Groups lists the groups that committed something in a topic, or all of them (""), sorted by name.
	Groups(ctx context.Context, topic string) ([]Group, error)
	// GroupCount is how many groups are stored.
	GroupCount(ctx context.Context) (int, error)
	// PutGroup makes a group that is kept without a commit, or finds it. start says where the group begins in a partition
	// that it has no commit for, see Meet; "" leaves it as it is, and is StartEarliest for a new group. ErrTooManyGroups.
	PutGroup(ctx context.Context, name, start string) (created bool, err error)
	// DeleteGroup ends a group with its commits and, where force allows it, its members: ErrGroupNotFound,
	// ErrGroupActive.
	DeleteGroup(ctx context.Context, name string, force bool) error
	// Commit stores offsets for a group, all or none, as durably as an append: ErrGroupNotFound, ErrTopicNotFound,
	// ErrPartitionNotFound, ErrTooManyGroups, ErrTooManyCommits, ErrGroupActive, a FencedError or an OffsetError. The
	// results stand in the order of c.Offsets.
	Commit(ctx context.Context, c Commit) ([]Committed, error)
}

// Members are those who share a group's work.
type Members interface {
	// Join makes a member of a group, or keeps it one, after its acknowledgement: as Commit, and ErrMemberNotFound,
	// ErrNoTopics, ErrTooManyMembers. A partition has one owner at a time, and moves after its owner's next Join, its
	// Leave or its lease's end; targets are balanced within one and move the fewest.
	Join(ctx context.Context, c MemberCall) (Membership, error)
	// Leave ends a member; its partitions move at once: ErrGroupNotFound, ErrMemberNotFound.
	Leave(ctx context.Context, group, member string) error
	// WatchGroup pokes w.Waiter as soon as something changes for the member, or for those who are none: a partition to
	// give up or to take over, an offset that somebody moved, the end of the member or of the group.
	WatchGroup(w *GroupWatch) error
	// LeaveGroup ends a watch, and the hold on the lease, which counts from then on.
	LeaveGroup(w *GroupWatch)
}

// Topic is one topic that existed when it was looked up; after a deletion its methods fail with ErrTopicNotFound.
type Topic interface {
	Watched

	Name() string
	Config() TopicConfig
	// Append stores the parts, each atomically in its own partition; no partition may stand twice. Every partition's
	// status is checked before any is written. On success each part's BaseOffset and Timestamp are set. The bytes of
	// the parts are lent until Append returns; where a part's Adopted is set they belong to the engine for good.
	// An accepted append is not cancelled: its outcome is always known. A PartialError tells what was stored all the same.
	// What is known to be stored already is not stored again: Part.Duplicate, Key.Replayed.
	Append(parts []Part, how How) error
	// Snapshot gives an immutable view of one partition: ErrPartitionNotFound. The caller closes it.
	Snapshot(ctx context.Context, partition int) (Snapshot, error)
	// Watch pokes w.Waiter as soon as the partition's high watermark is above w.From, or it failed or went away.
	Watch(partition int, w *Watch) error
	// Leave tells that the watch is no longer needed; the Waiter must be marked Gone first.
	Leave(partition int, w *Watch)
	// Stats gives a partition's figures: ErrPartitionNotFound.
	Stats(ctx context.Context, partition int) (PartitionStats, error)
}

// Part is what one request stores in one partition: one batch, or where the request came as batches, all of them.
type Part struct {
	Partition int
	Batch     batch.Batch
	// Rest are the batches after the first, written with it and in order. Where all stand one directly after the other in
	// a slab that begins with the first, and that has the slab's capacity, nothing has to be copied together.
	Rest []More
	// BrokerTime tells that no record came with a timestamp: all carry the broker's clock, and the owner may move them,
	// so that what the broker gave does not go back within a partition. A client's timestamps move nobody else's. It does
	// not go with Rest: batches that came as such have their own.
	BrokerTime bool

	// Set by Append.
	BaseOffset int64
	Timestamp  int64 // the batch's max timestamp as stored, milliseconds
	Stored     bool
	Duplicate  bool // Batch was stored before: BaseOffset and Timestamp are those of then
	Adopted    bool // the engine keeps the memory of Batch, and of Rest with it: don't reuse it
}

// Snapshot is an immutable view of one partition. Its methods read storage in the caller's goroutine; they may be
// called by one goroutine at a time.
type Snapshot interface {
	// LogStart is the offset of the earliest record that is kept.
	LogStart() int64
	// HighWatermark is the offset of the next record to be written, as far as readers may see.
	HighWatermark() int64
	// Read appends to dst whole, verified batches, beginning with the one that holds offset from, until maxBytes is
	// reached or the high watermark; at least one batch where there is any. It takes dst over, nil or a slab of package
	// slab, and gives the slab that holds the answer, also beside an error. A CorruptError names damage at from; damage
	// further on ends the answer before it; so does what an UnreadableError names. ErrGone means that retention was
	// faster: take a new Snapshot.
	Read(dst []byte, from int64, maxBytes int) ([]byte, error)
	// OffsetForTime finds the earliest record that q looks for; ok is false past the newest. A CorruptError or an
	// UnreadableError names what may hide it; who looks for the next one searches again from there on. Else it is
	// ErrStopped or ErrGone.
	OffsetForTime(q TimeSearch) (offset, timestamp int64, ok bool, err error)
	// Rest gives back what Read keeps for going on where it stopped, which may still be done: for who reads many
	// Snapshots in turn.
	Rest()
	// Close gives back what the view holds open.
	Close()
}

// Lender is a Snapshot whose storage may be memory, of which batches can be sent from where they stand.
type Lender interface {
	// Lend gives whole batches, beginning with the one that holds offset from, as long as admit takes them by their heads
	// and sizes; next is the offset after them. It may stop anywhere, also before the first: Read goes on from there, and
	// tells of trouble.
	Lend(from int64, admit func(head batch.Batch, size int) bool) (lent []Lent, next int64)
}

// Lent is memory that stays as it is until Release, which is called once.
type Lent struct {
	Bytes   []byte
	Held    int // bytes of memory that it keeps, some of which several may keep
	Release func()
}

// TimeSearch looks for the earliest record from offset From on whose timestamp is at least Millis.
type TimeSearch struct {
	Millis, From int64
	// Unpack gives a compressed batch whose records can be walked, good until its next call; what it can't take apart is
	// damage. Without it a compressed batch counts as a whole: its first record.
	Unpack func(packed batch.Batch) (plain batch.Batch, err error)
	// Stop is asked every so often in a search that has to look at much; true ends it. nil never does.
	Stop func() bool
}

// TopicConfig is what a topic was created with or set to; sizes in bytes, -1 = unlimited.
type TopicConfig struct {
	Partitions     int
	RetentionMs    int64
	RetentionBytes int64
	SegmentBytes   int64
	// SegmentMs is how long after its first append a segment rolls at the latest. On what is left to the engine it is
	// 7 days, or a quarter of RetentionMs where that is less.
	SegmentMs int64
}

// How many partitions a topic gets that does not say, and may have where an engine is not told otherwise.
const (
	DefaultPartitions    = 1
	DefaultMaxPartitions = 256
)

// Bounds of a topic's SegmentBytes.
const (
	MinSegmentBytes = 1 << 10
	MaxSegmentBytes = 1<<31 - 1 // a position in Kafka's offset index has 32 bits
)

// TopicChange is what to set: nil fields are left alone, or take the default on creation.
type TopicChange struct {
	Partitions     int
	RetentionMs    *int64
	RetentionBytes *int64
	SegmentBytes   *int64
	SegmentMs      *int64
}

// PartitionStats are one partition's figures at one moment.
type PartitionStats struct {
	LogStart, HighWatermark int64
	Bytes                   int64
	Segments                int
	// FirstTimestamp and LastTimestamp are milliseconds, -1 when there is no record.
	FirstTimestamp, LastTimestamp int64
}
