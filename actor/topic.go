package actor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"flashq/broker"
	"flashq/metrics"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// topic is a broker.Topic: a name, and the owners of its partitions.
type topic struct {
	broker  *Broker
	name    string
	id      string
	uuid    [16]byte                           // id, as Kafka's records have it
	config  atomic.Pointer[broker.TopicConfig] // as it was set: SegmentMs 0 is the default
	actors  []*Actor
	keys    *keyTable
	traffic *metrics.Traffic
	deleted atomic.Bool
}

// Name implements broker.Topic.
func (t *topic) Name() string { return t.name }

// Config implements broker.Topic.
func (t *topic) Config() broker.TopicConfig {
	c := *t.config.Load()
	c.SegmentMs = segmentMs(c)
	return c
}

// segmentMs is a topic's setting, or what follows from its retention where it has none.
func segmentMs(c broker.TopicConfig) int64 {
	const week = 7 * 24 * 3600 * 1000
	switch {
	case c.SegmentMs > 0:
		return c.SegmentMs
	case c.RetentionMs >= 0:
		return min(max(c.RetentionMs/4, 1), week)
	default:
		return week
	}
}

func (t *topic) actor(partition int) (*Actor, error) {
	if partition < 0 || partition >= len(t.actors) {
		return nil, t.about(partition, broker.ErrPartitionNotFound)
	}
	return t.actors[partition], nil
}

// writable is asked before anything is written anywhere.
func (t *topic) writable(partition int) (*Actor, error) {
	a, err := t.actor(partition)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
		return nil, t.left(partition)
	default:
	}
	if a.broken.Load() {
		return nil, t.about(partition, broker.ErrStorage)
	}
	return a, nil
}

// Append implements broker.Topic.
func (t *topic) Append(parts []broker.Part, how broker.How) error {
	if !t.broker.couldHold(parts) {
		return broker.ErrTooLarge
	}
	if how.Key != nil {
		return t.appendKeyed(parts, how)
	}
	if numberedByKey(parts) {
		return fmt.Errorf("%w: a producer id from %d on is that of a key", broker.ErrInvalid, int64(batch.KeyProducers))
	}
	return t.appendPlain(parts, how.Sync)
}

// appendPlain sends the parts to their owners and waits for all.
func (t *topic) appendPlain(parts []broker.Part, sync bool) error {
	if len(parts) != 1 {
		return t.appendMany(parts, sync)
	}
	a, err := t.writable(parts[0].Partition)
	if err != nil {
		return err
	}
	return t.answer(a, a.send(&parts[0], sync), parts[0].Partition)
}

// couldHold tells whether there is room for the parts of a request when there is nothing else.
func (b *Broker) couldHold(parts []broker.Part) bool {
	if b.memory == nil || b.memory.Limit() == 0 {
		return true
	}
	size := int64(0)
	for i := range parts {
		size += memoryOf(&parts[i])
	}
	return size <= b.memory.LogLimit()
}

// memoryOf is how much memory a part takes: memory storage keeps what it is given, or copies it.
func memoryOf(part *broker.Part) int64 {
	size, room := partition.Size(part), cap(part.Batch)
	if segment.Keeps(size, room) {
		return int64(room)
	}
	return int64(size)
}

// answer waits for an append that was sent; r is nil when the owner had left.
func (t *topic) answer(a *Actor, r *request, partition int) error {
	if r == nil {
		return t.left(partition)
	}
	err := a.wait(r)
	if errors.Is(err, errLeft) || errors.Is(err, broker.ErrDraining) { // of an owner that ends: maybe with its topic
		return t.left(partition)
	}
	return t.about(partition, err)
}

// appendMany sends every part before it waits for the first: the owners work side by side.
func (t *topic) appendMany(parts []broker.Part, sync bool) error {
	actors := make([]*Actor, len(parts))
	for i := range parts {
		a, err := t.writable(parts[i].Partition)
		if err != nil {
			return err
		}
		actors[i] = a
	}
	sent := make([]*request, len(parts))
	for i, a := range actors {
		sent[i] = a.send(&parts[i], sync)
	}
	var failed error
	stored := false
	for i, a := range actors {
		err := t.answer(a, sent[i], parts[i].Partition)
		parts[i].Stored = err == nil
		stored = stored || err == nil
		failed = errors.Join(failed, err)
	}
	if errors.Is(failed, broker.ErrTopicNotFound) {
		return topicMissing(t.name) // with what was stored
	}
	if failed != nil && stored {
		return &broker.PartialError{Cause: failed}
	}
	return failed
}

// Snapshot implements broker.Topic.
func (t *topic) Snapshot(ctx context.Context, partition int) (broker.Snapshot, error) {
	a, err := t.actor(partition)
	if err != nil {
		return nil, err
	}
	v, err := a.view(ctx)
	if errors.Is(err, errLeft) {
		return nil, t.left(partition)
	}
	if err != nil {
		return nil, err
	}
	return snapshot{View: v, owner: a}, nil
}

// Watch implements broker.Topic.
func (t *topic) Watch(partition int, w *broker.Watch) error {
	a, err := t.actor(partition)
	if err != nil {
		return err
	}
	if !a.watch(w) {
		return t.left(partition)
	}
	return nil
}

// Leave implements broker.Topic.
func (t *topic) Leave(partition int, w *broker.Watch) {
	if a, err := t.actor(partition); err == nil {
		a.unwatch(w)
	}
}

// Stats implements broker.Topic.
func (t *topic) Stats(_ context.Context, partition int) (s broker.PartitionStats, err error) {
	a, err := t.actor(partition)
	if err != nil {
		return s, err
	}
	if !a.ask(func() { s = a.part.Stats() }) {
		return s, t.left(partition)
	}
	return s, nil
}
