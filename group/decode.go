package group

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Entry is what one record of an offsets log says.
type Entry struct {
	Group     string
	Topic     string // of a commit
	Partition int32  // of a commit; -1: the group has met the topic
	IsGroup   bool   // it is about the group itself
	Tombstone bool   // it takes back what was said before
	Commit    kmsg.OffsetCommitValue
	State     kmsg.GroupMetadataValue
}

// Decode reads a record of an offsets log, FlashQ's or Kafka's: ErrEncoding for any other.
func Decode(key, value []byte) (e Entry, err error) {
	if len(key) < 2 {
		return e, fmt.Errorf("%w: key of %d bytes", ErrEncoding, len(key))
	}
	e.Tombstone = value == nil
	switch version := binary.BigEndian.Uint16(key); version {
	case 0, commitKeyVersion:
		err = e.decodeCommit(key, value)
	case groupKeyVersion:
		err = e.decodeGroup(key, value)
	default:
		err = fmt.Errorf("%w: key version %d", ErrEncoding, version)
	}
	return e, err
}

func (e *Entry) decodeCommit(key, value []byte) error {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(key); err != nil {
		return fmt.Errorf("%w: offset key: %w", ErrEncoding, err)
	}
	e.Group, e.Topic, e.Partition = k.Group, k.Topic, k.Partition
	if e.Tombstone {
		return nil
	}
	if err := e.Commit.ReadFrom(value); err != nil {
		return fmt.Errorf("%w: offset value: %w", ErrEncoding, err)
	}
	return nil
}

func (e *Entry) decodeGroup(key, value []byte) error {
	var k kmsg.GroupMetadataKey
	if err := k.ReadFrom(key); err != nil {
		return fmt.Errorf("%w: group key: %w", ErrEncoding, err)
	}
	e.IsGroup, e.Group = true, k.Group
	if e.Tombstone {
		return nil
	}
	if err := e.State.ReadFrom(value); err != nil {
		return fmt.Errorf("%w: group value: %w", ErrEncoding, err)
	}
	return nil
}
