package actor

import (
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/segment"
)

// What an engine says is in package broker's words, and names its subject. This is where errors from below get both.

// errLeft is returned when the owner ended before it answered; whoever asked it knows why.
var errLeft = errors.New("owner has left")

// writeError gives a file system's error its name in package broker, and leaves the broker's own as they are.
func writeError(err error) error {
	for _, known := range []error{
		broker.ErrConflict, broker.ErrDiskFull, broker.ErrTooManyOpenFiles, broker.ErrOverloaded, broker.ErrStorage,
		broker.ErrDraining,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	switch {
	case errors.Is(err, segment.ErrMemoryFull):
		return fmt.Errorf("%w: %w", broker.ErrOverloaded, err)
	case segment.IsUntried(err):
		return fmt.Errorf("%w: %w", broker.ErrTooManyOpenFiles, err)
	case segment.IsNoSpace(err):
		return fmt.Errorf("%w: %w", broker.ErrDiskFull, err)
	default:
		return fmt.Errorf("%w: %w", broker.ErrStorage, err)
	}
}

// readError gives the error of reading a view its name in package broker.
func readError(err error) error {
	if err == nil {
		return nil
	}
	var damaged *segment.DamagedError
	var unreadable *segment.UnreadableError
	switch {
	case errors.As(err, &damaged):
		return &broker.CorruptError{FirstOffset: damaged.First, NextGoodOffset: damaged.NextGood}
	case errors.As(err, &unreadable):
		return &broker.UnreadableError{
			FirstOffset: unreadable.First, NextOffset: unreadable.Next, Err: readError(unreadable.Err),
		}
	case errors.Is(err, segment.ErrGone):
		return broker.ErrGone
	case errors.Is(err, segment.ErrStopped):
		return broker.ErrStopped
	case segment.IsUntried(err):
		return errors.Join(broker.ErrTooManyOpenFiles, err)
	default:
		return errors.Join(broker.ErrStorage, err)
	}
}

// place says where in an error a partition is, for the log.
func place(topicName string, partition int, err error) error {
	return fmt.Errorf("partition %s: %w", partitionDir(topicName, partition), err)
}

func topicMissing(name string) error {
	return &broker.TopicError{Topic: name, Err: broker.ErrTopicNotFound}
}

func groupMissing(name string) error {
	return &broker.GroupError{Group: name, Err: broker.ErrGroupNotFound}
}

// about says of which partition an error is.
func (t *topic) about(partition int, err error) error {
	if err == nil {
		return nil
	}
	return &broker.PartitionError{Topic: t.name, Partition: partition, Partitions: len(t.actors), Err: err}
}

// left says why a partition's owner is not there any more.
func (t *topic) left(partition int) error {
	switch {
	case t.deleted.Load():
		return topicMissing(t.name)
	case t.broker.closing.Load():
		return broker.ErrDraining
	default:
		return t.about(partition, broker.ErrStorage)
	}
}

// shardLeft says why a shard takes no more proposals.
func (b *Broker) shardLeft() error {
	if b.closing.Load() {
		return broker.ErrDraining
	}
	return broker.ErrStorage
}
