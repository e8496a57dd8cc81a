package fault

import (
	"context"
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/http/recordbody"
)

// ErrBodyTimeout is returned when a body did not arrive within the read timeout; ErrBodyBroken when one ends early or
// its chunks are no chunks.
var (
	ErrBodyTimeout = errors.New("body timeout")
	ErrBodyBroken  = errors.New("body broken")
)

// sentinels are the one table from what an engine can say to what the wire says. An empty message takes the error's own
// text, which is about the request's values.
var sentinels = []struct {
	err     error
	kind    *Kind
	message string
}{
	{broker.ErrTopicNotFound, TopicNotFound, "Topic not found"},
	{broker.ErrPartitionNotFound, PartitionNotFound, "Partition not found"},
	{broker.ErrPartitionsImmutable, PartitionsImmutable, "The partition count of a topic can't change"},
	{broker.ErrGroupNotFound, GroupNotFound, "Group not found"},
	{broker.ErrTooManyGroups, Conflict, ""},
	{broker.ErrTooManyCommits, Conflict, ""},
	{broker.ErrTooManyMembers, Conflict, ""},
	{broker.ErrGroupActive, GroupActive, "The group has live members"},
	{broker.ErrMemberNotFound, MemberNotFound, "Member not found"},
	{broker.ErrTooManyTopics, Conflict, ""},
	{broker.ErrTooManyPartitions, Conflict, ""},
	{broker.ErrConflict, Conflict, "Something else stands where the topic's data would go"},
	{broker.ErrInvalid, OutOfRange, ""},
	{broker.ErrOverloaded, Overloaded, "Storage is full for now; nothing was stored"},
	{broker.ErrTooLarge, BodyTooLarge, "The records are larger than all that --memory-bytes allows; nothing was stored"},
	{broker.ErrDraining, Draining, "The broker is shutting down"},
	{context.Canceled, Draining, "The broker is shutting down"},
	{broker.ErrRecovering, Recovering, "The broker is starting and reads its log"},
	{broker.ErrDiskFull, DiskFull, "No room on the disk; nothing was stored"},
	{broker.ErrTooManyOpenFiles, TooManyFiles, "The broker has no file descriptor left; raise its limit (ulimit -n)"},
	{broker.ErrStorage, StorageError, "The partition's storage failed; writing needs a restart of the broker"},
	{
		broker.ErrKeyReused, KeyReused,
		"The Idempotency-Key was used for a request with other records; nothing was stored. Take a new key for each request",
	},
	{broker.ErrKeyInFlight, KeyInFlight, "A request with this Idempotency-Key is under way; try again to get its answer"},
	{ErrBodyTimeout, RequestTimeout, "The request did not arrive in time"},
	{ErrBodyBroken, InvalidRequest, "The request body is cut short or badly framed"},
}

// Explain finds the answer for any error; known is false for one that only the log may show.
func Explain(err error) (e *Error, known bool) {
	var record *recordbody.Error
	var partial *broker.PartialError
	switch {
	case errors.As(err, &e):
		return e, true
	case errors.As(err, &record):
		return ofRecord(record), true
	case errors.As(err, &partial): // before what caused it
		return PartiallyStored.New("Some partitions stored their records and others could not", nil), true
	}
	if e = ofLimit(err); e != nil {
		return e, true
	}
	if e = aboutSubject(err); e != nil {
		return e, true
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			message := s.message
			if message == "" {
				message = err.Error()
			}
			return s.kind.New(message, nil), true
		}
	}
	return Internal.New("Internal error", nil), false
}

// aboutSubject puts an error that says what it is about into words that name it; nil for any other.
func aboutSubject(err error) *Error {
	var (
		topic     *broker.TopicError
		partition *broker.PartitionError
		count     *broker.PartitionCountError
		group     *broker.GroupError
		member    *broker.MemberError
		fenced    *broker.FencedError
		offset    *broker.OffsetError
		corrupt   *broker.CorruptError
		hidden    *broker.UnreadableError
		folder    *broker.FolderError
		sequence  *broker.SequenceError
	)
	switch {
	case errors.As(err, &fenced):
		return ofFence(fenced)
	case errors.As(err, &offset):
		return ofOffset(offset)
	case errors.As(err, &sequence) && errors.As(err, &partition):
		return ofSequence(sequence, partition)
	case errors.As(err, &count):
		return PartitionsImmutable.New(
			fmt.Sprintf("Topic '%s' exists with another partition count, which can't change", count.Topic),
			Details{"topic": count.Topic, "asked": count.Asked, "partitions": count.Partitions})
	case errors.As(err, &corrupt):
		if errors.As(err, &partition) {
			return Corrupt(partition.Partition, corrupt.FirstOffset, corrupt.NextGoodOffset)
		}
	case errors.As(err, &hidden):
		if errors.As(err, &partition) {
			return Unreadable(partition.Partition, hidden.FirstOffset, hidden.NextOffset)
		}
	case errors.As(err, &member):
		return ofMember(member)
	case errors.As(err, &group):
		return ofGroup(group)
	case errors.As(err, &partition) && errors.Is(err, broker.ErrPartitionNotFound):
		return PartitionNotFound.New(
			fmt.Sprintf("Topic '%s' has no partition %d; it has %d", partition.Topic, partition.Partition, partition.Partitions),
			Details{"topic": partition.Topic, "partition": partition.Partition, "partitions": partition.Partitions})
	case errors.As(err, &folder):
		return ofFolder(folder)
	case errors.As(err, &topic) && errors.Is(err, broker.ErrTopicNotFound):
		return TopicNotFound.New("Topic '"+topic.Topic+"' not found; it is made by its first record, or PUT /topics/"+
			topic.Topic, Details{"topic": topic.Topic})
	}
	return nil
}

// waitForAge is after how many seconds another try is worth it, where room comes by what is known growing old, in
// minutes or hours.
const waitForAge = 60

// limits are the engine's bounds, with the flag that sets each.
var limits = []struct {
	err              error
	kind             *Kind
	what, flag, more string
	wait             int
}{
	{broker.ErrTooManyTopics, Conflict, "topics", "--max-topics", "", 0},
	{broker.ErrTooManyPartitions, Conflict, "partitions of all topics", "--max-partitions-total", "", 0},
	{broker.ErrTooManyGroups, Conflict, "groups", "--max-groups", "", 0},
	{broker.ErrTooManyKeys, Overloaded, "idempotency keys", "--max-idempotency-keys", "; nothing was stored", waitForAge},
	{broker.ErrTooManyProducers, Overloaded, "producers", "--max-producers", "; nothing was stored", waitForAge},
	{
		broker.ErrTooManyCommits, Conflict, "commits of all groups", "--max-commits",
		"; long names and metadata count as several, and memory storage takes one for each 4 KiB of --memory-bytes", 0,
	},
}

// ofLimit tells which bound is reached, and what sets it; nil for any other error.
func ofLimit(err error) *Error {
	var limit *broker.LimitError
	if !errors.As(err, &limit) {
		return nil
	}
	for _, l := range limits {
		if errors.Is(limit, l.err) {
			e := l.kind.New(fmt.Sprintf("The limit of %d %s (%s) is reached%s", limit.Limit, l.what, l.flag, l.more),
				Details{"limit": limit.Limit, "flag": l.flag})
			e.Wait = l.wait
			return e
		}
	}
	return nil
}

// Corrupt tells where damage begins and where good records go on.
func Corrupt(partition int, first, nextGood int64) *Error {
	return CorruptData.New("The records at this position are damaged; go on with next_good_offset",
		Details{"partition": partition, "first_offset": first, "next_good_offset": nextGood})
}

// Unreadable tells which records can't be read now.
func Unreadable(partition int, first, next int64) *Error {
	return StorageError.New("The file with the records at this position can't be opened or read; they may come back",
		Details{"partition": partition, "first_offset": first, "next_offset": next})
}

// ofFolder tells which folder is in a new topic's way, and what to do about it.
func ofFolder(e *broker.FolderError) *Error {
	message := "Folder " + e.Folder + " in the data folder holds records of an unknown topic: stop the broker and move " +
		"the folder away, or take another name"
	if e.Leaving {
		message = "Folder " + e.Folder + " of the deleted topic of this name is still being removed: try again"
	}
	return Conflict.New(message, Details{"folder": e.Folder})
}

func ofGroup(e *broker.GroupError) *Error {
	about := Details{"group": e.Group}
	switch {
	case errors.Is(e, broker.ErrGroupNotFound):
		return GroupNotFound.New("Group '"+e.Group+"' not found", about)
	case errors.Is(e, broker.ErrGroupActive):
		return GroupActive.New("Group '"+e.Group+"' has live members: name a member, or wait until they have left", about)
	}
	return nil
}

func ofMember(e *broker.MemberError) *Error {
	switch {
	case errors.Is(e, broker.ErrMemberNotFound):
		return MemberNotFound.New("Group '"+e.Group+"' has no member '"+e.Member+"'",
			Details{"group": e.Group, "member": e.Member})
	case errors.Is(e, broker.ErrNoTopics):
		return WrongType.New(
			"Member 'topics' is missing: '"+e.Member+"' is not a member yet, so it has none to keep", Details{"field": "topics"})
	}
	return nil
}

// ofFence tells a member that it does not hold, or not any more, what it speaks of.
func ofFence(e *broker.FencedError) *Error {
	return Fenced.New(
		fmt.Sprintf("Member '%s' does not hold partition %d of topic '%s' without a break since generation %d; "+
			"nothing was committed. Fetch without ack to join again", e.Member, e.Partition, e.Topic, e.Generation),
		Details{
			"group": e.Group, "member": e.Member, "topic": e.Topic, "partition": e.Partition, "generation": e.Generation,
			"current_generation": e.Current,
		})
}

// ofSequence tells what a producer's batch has, and what should be there.
func ofSequence(e *broker.SequenceError, at *broker.PartitionError) *Error {
	kind, what := OutOfOrderSequence, "sequence"
	if errors.Is(e, broker.ErrProducerFenced) {
		kind, what = ProducerFenced, "epoch"
	}
	return kind.New(
		fmt.Sprintf("Producer %d sent %s %d to partition %d of topic '%s', which expects %d", e.ProducerID, what, e.Got,
			at.Partition, at.Topic, e.Expected),
		Details{
			"topic": at.Topic, "partition": at.Partition, "producer_id": e.ProducerID, "expected": e.Expected, "got": e.Got,
		})
}

func ofOffset(e *broker.OffsetError) *Error {
	return InvalidOffset.New(
		fmt.Sprintf("Offset %d is beyond partition %d of topic '%s', whose high water mark is %d", e.Offset, e.Partition,
			e.Topic, e.HighWatermark),
		Details{
			"index": e.Index, "topic": e.Topic, "partition": e.Partition, "offset": e.Offset,
			"high_water_mark": e.HighWatermark,
		})
}

// recordKinds are what a decoder's codes mean.
var recordKinds = map[string]*Kind{
	InvalidJSON.Code: InvalidJSON, OutOfRange.Code: OutOfRange, InvalidRecord.Code: InvalidRecord,
	PartitionNotFound.Code: PartitionNotFound, CorruptBatch.Code: CorruptBatch, NotSupported.Code: NotSupported,
}

// ofRecord puts a decoder's verdict on a body into the contract's words.
func ofRecord(r *recordbody.Error) *Error {
	e := recordKinds[r.Code].New(r.Message, Details{})
	if r.Field != "" {
		e.Details["field"] = r.Field
	}
	setIfGiven(e.Details, "index", r.Index)
	setIfGiven(e.Details, "max_size", r.MaxSize)
	setIfGiven(e.Details, "actual_size", r.ActualSize)
	if e.Kind == PartitionNotFound {
		setIfGiven(e.Details, "partition", r.Partition)
	}
	return e
}

// setIfGiven leaves out what is -1.
func setIfGiven(d Details, name string, value int) {
	if value >= 0 {
		d[name] = value
	}
}
