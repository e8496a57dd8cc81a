package group

import (
	"encoding/binary"
	"errors"
	"fmt"

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
	if len(r.Key) < 2 {
		return fmt.Errorf("%w: key of %d bytes", ErrEncoding, len(r.Key))
	}
	switch version := binary.BigEndian.Uint16(r.Key); version {
	case 0, commitKeyVersion:
		return s.replayCommit(r)
	case groupKeyVersion:
		return s.replayGroup(r)
	default:
		return fmt.Errorf("%w: key version %d", ErrEncoding, version)
	}
}

func (s *Shard) replayCommit(r *batch.Record) error {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("%w: offset key: %w", ErrEncoding, err)
	}
	if r.Value == nil {
		s.dropCommit(k.Group, k.Topic, k.Partition)
		return nil
	}
	var v kmsg.OffsetCommitValue
	if err := v.ReadFrom(r.Value); err != nil {
		return fmt.Errorf("%w: offset value: %w", ErrEncoding, err)
	}
	if k.Partition == noPartition {
		s.setMet(k.Group, k.Topic)
		return nil
	}
	s.setCommit(k.Group, k.Topic, commit{
		topicID: v.TopicID, offset: v.Offset, partition: k.Partition, epoch: v.LeaderEpoch, metadata: v.Metadata,
		timestamp: v.CommitTimestamp,
	})
	return nil
}

func (s *Shard) replayGroup(r *batch.Record) error {
	var k kmsg.GroupMetadataKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("%w: group key: %w", ErrEncoding, err)
	}
	if r.Value == nil {
		s.dropGroup(k.Group)
		return nil
	}
	var v kmsg.GroupMetadataValue
	if err := v.ReadFrom(r.Value); err != nil {
		return fmt.Errorf("%w: group value: %w", ErrEncoding, err)
	}
	if k.Group == nobody {
		s.floor = max(s.floor, v.Generation)
		return nil
	}
	g := s.group(k.Group)
	g.explicit, g.generation, g.start = v.Protocol != nil, v.Generation, broker.StartEarliest
	if v.Protocol != nil && *v.Protocol == broker.StartLatest {
		g.start = broker.StartLatest
	}
	return nil
}
