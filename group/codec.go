package group

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/broker"
	"flashq/segment/batch"
)

// The versions written here are what Kafka 4 writes; a key's version tells what kind of record it is.
//
//	key 1: OffsetCommitKey    group, topic, partition       value 4: OffsetCommitValue, with the topic's id; of partition
//	                                                        -1 it says that the group has met the topic, see Meet
//	key 2: GroupMetadataKey   group                         value 3: GroupMetadataValue, with its generation; start in
//	                                                        its protocol field, null when nobody asked for the group
//
// A null value is Kafka's tombstone: the commit, or the group, is no more.
const (
	commitKeyVersion   = 1
	commitValueVersion = 4
	groupKeyVersion    = 2
	groupValueVersion  = 3
	protocolType       = "consumer"
)

// nobody is no group's name: its generation is that of the groups that are no more.
const nobody = ""

// noPartition is the partition of a record that is about all of a topic.
const noPartition = -1

// ErrEncoding is returned by Replay for a record that is none of the above.
var ErrEncoding = errors.New("not a group's record")

func commitKey(group, topic string, partition int32) []byte {
	k := kmsg.OffsetCommitKey{Version: commitKeyVersion, Group: group, Topic: topic, Partition: partition}
	return k.AppendTo(nil)
}

func (c commit) encode() []byte {
	v := kmsg.OffsetCommitValue{
		Version: commitValueVersion, Offset: c.offset, LeaderEpoch: c.epoch, Metadata: c.metadata,
		CommitTimestamp: c.timestamp, TopicID: c.topicID,
	}
	return v.AppendTo(nil)
}

func groupKey(group string) []byte {
	k := kmsg.GroupMetadataKey{Version: groupKeyVersion, Group: group}
	return k.AppendTo(nil)
}

func (s *state) encode(now int64) []byte {
	v := kmsg.GroupMetadataValue{
		Version: groupValueVersion, ProtocolType: protocolType, Generation: s.generation, CurrentStateTimestamp: now,
	}
	if start := s.start; s.explicit {
		v.Protocol = &start
	}
	return v.AppendTo(nil)
}

// replay makes one record of the log so.
func (s *Shard) replay(r *batch.Record) error {
	e, err := Decode(r.Key, r.Value)
	switch {
	case err != nil:
		return err
	case e.IsGroup:
		s.replayGroup(&e)
	default:
		s.replayCommit(&e)
	}
	return nil
}

func (s *Shard) replayCommit(e *Entry) {
	switch {
	case e.Tombstone:
		s.dropCommit(e.Group, e.Topic, e.Partition)
	case e.Partition == noPartition:
		s.setMet(e.Group, e.Topic)
	default:
		s.setCommit(e.Group, e.Topic, commit{
			topicID: e.Commit.TopicID, offset: e.Commit.Offset, partition: e.Partition, epoch: e.Commit.LeaderEpoch,
			metadata: e.Commit.Metadata, timestamp: e.Commit.CommitTimestamp,
		})
	}
}

func (s *Shard) replayGroup(e *Entry) {
	switch {
	case e.Tombstone:
		s.dropGroup(e.Group)
	case e.Group == nobody:
		s.floor = max(s.floor, e.State.Generation)
	default:
		g := s.group(e.Group)
		g.explicit, g.generation, g.start = e.State.Protocol != nil, e.State.Generation, broker.StartEarliest
		if e.State.Protocol != nil && *e.State.Protocol == broker.StartLatest {
			g.start = broker.StartLatest
		}
	}
}
