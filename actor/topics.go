package actor

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/google/uuid"

	"flashq/broker"
	"flashq/partition"
)

// CreateTopic implements broker.Broker.
func (b *Broker) CreateTopic(_ context.Context, name string, c broker.TopicChange) (broker.Topic, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false, broker.ErrDraining
	}
	if t, ok := b.topics.Load(name); ok {
		return t, false, b.changeTopic(t, c)
	}
	if b.topics.Size() >= b.config.MaxTopics {
		return nil, false, tooMany(name, broker.ErrTooManyTopics, b.config.MaxTopics)
	}
	config := broker.TopicConfig{
		Partitions: cmp.Or(c.Partitions, b.config.DefaultPartitions), RetentionMs: -1, RetentionBytes: -1,
		SegmentBytes: b.config.SegmentBytes,
	}
	if config.Partitions < 1 || config.Partitions > b.config.MaxPartitions {
		return nil, false, fmt.Errorf("%w: partitions must be 1 to %d", broker.ErrInvalid, b.config.MaxPartitions)
	}
	if err := apply(c, &config); err != nil {
		return nil, false, err
	}
	if err := b.roomForLogs(config.Partitions); err != nil {
		return nil, false, &broker.TopicError{Topic: name, Err: err}
	}
	if b.partitions+config.Partitions > b.config.MaxPartitionsTotal {
		return nil, false, tooMany(name, broker.ErrTooManyPartitions, b.config.MaxPartitionsTotal)
	}
	t, err := b.makeTopic(name, config)
	if err != nil {
		return nil, false, err
	}
	b.topics.Store(name, t)
	b.partitions += config.Partitions
	b.refreshGroups(name)
	return t, true, nil
}

// tooMany refuses a topic for a bound.
func tooMany(topic string, what error, limit int) error {
	return &broker.TopicError{Topic: topic, Err: &broker.LimitError{Err: what, Limit: int64(limit)}}
}

// roomForLogs refuses more logs than there are descriptors for.
func (b *Broker) roomForLogs(more int) error {
	if most := b.config.MaxLogs; most > 0 && b.owners.logs.Load()+int64(more) > int64(most) {
		return fmt.Errorf("%w: %d logs have one, of %d", broker.ErrTooManyOpenFiles, b.owners.logs.Load(), most)
	}
	return nil
}

// apply puts a change into a configuration, when it is in range. What isn't asked for is not judged: it may be from a
// time of other bounds.
func apply(c broker.TopicChange, config *broker.TopicConfig) error {
	for _, f := range []struct {
		name      string
		to, wish  *int64
		low, high int64
	}{
		{"retention_ms", &config.RetentionMs, c.RetentionMs, -1, math.MaxInt64},
		{"retention_bytes", &config.RetentionBytes, c.RetentionBytes, -1, math.MaxInt64},
		{"segment_bytes", &config.SegmentBytes, c.SegmentBytes, broker.MinSegmentBytes, broker.MaxSegmentBytes},
		{"segment_ms", &config.SegmentMs, c.SegmentMs, 1, math.MaxInt64},
	} {
		if f.wish == nil {
			continue
		}
		if *f.wish < f.low || *f.wish > f.high {
			return fmt.Errorf("%w: %s must be %d to %d", broker.ErrInvalid, f.name, f.low, f.high)
		}
		*f.to = *f.wish
	}
	return nil
}

// changeTopic applies a change to a topic that exists: durable first, then in force.
func (b *Broker) changeTopic(t *topic, c broker.TopicChange) error {
	config := *t.config.Load()
	if c.Partitions != 0 && c.Partitions != config.Partitions {
		return &broker.PartitionCountError{Topic: t.name, Asked: c.Partitions, Partitions: config.Partitions}
	}
	before := config
	if err := apply(c, &config); err != nil {
		return err
	}
	if config == before {
		return nil
	}
	if err := b.record(t.name, metaOf(t.id, config), changeTo(before, config)); err != nil {
		return err
	}
	t.config.Store(&config)
	r := retentionOf(config)
	r.SegmentBytes = b.shrink(r.SegmentBytes)
	for _, a := range t.actors {
		a.ask(func() {
			a.part.SetRetention(r)
			a.expire()
		})
	}
	<-b.owners.starts.flush() // who asked sees what it did
	return nil
}

// changeTo tells whether a topic keeps less from now on.
func changeTo(before, after broker.TopicConfig) change {
	less := func(before, after int64) bool { return uint64(after) <= uint64(before) } // -1 is no bound
	if less(before.RetentionMs, after.RetentionMs) && less(before.RetentionBytes, after.RetentionBytes) &&
		before.SegmentBytes == after.SegmentBytes && before.SegmentMs == after.SegmentMs {
		return smaller
	}
	return ordinary
}

// makeTopic makes the folders, makes them durable and then records the topic in the metadata log: a crash in between
// leaves folders without records, which a later creation takes over.
func (b *Broker) makeTopic(name string, config broker.TopicConfig) (*topic, error) {
	if b.meta.broken.Load() {
		return nil, broker.ErrStorage // before a folder gets an id: an earlier record may have tied it to another one
	}
	raw := uuid.New()
	t := &topic{broker: b, name: name, id: base64.RawURLEncoding.EncodeToString(raw[:]), uuid: raw, keys: b.newKeys()}
	t.config.Store(&config)
	for i := range config.Partitions {
		dir := partitionDir(name, i)
		if err := b.isLeaving(dir); err != nil {
			return nil, &broker.TopicError{Topic: name, Err: err}
		}
		free, err := empty(b.fs, dir)
		if err != nil {
			return nil, place(name, i, err)
		}
		if !free {
			return nil, &broker.TopicError{Topic: name, Err: &broker.FolderError{Folder: dir}}
		}
	}
	err := b.owners.starts.forget(t.dirs()) // a topic of the same name may have begun further on
	if err == nil {
		err = b.makePartitions(t)
	}
	if err == nil {
		err = b.fs.SyncDir("")
	}
	if err != nil {
		return nil, errors.Join(writeError(err), t.close(), b.removeFolders(t))
	}
	if err := b.record(name, metaOf(t.id, config), ordinary); err != nil {
		return nil, errors.Join(writeError(err), t.close()) // the folders stay: the record may yet be there
	}
	t.traffic = b.config.Metrics.Topics.Topic(name)
	return t, nil
}

// removeFolders takes back what makeTopic made and nobody was told of.
func (b *Broker) removeFolders(t *topic) error {
	var all error
	for i := range t.Config().Partitions {
		all = errors.Join(all, b.fs.RemoveAll(partitionDir(t.name, i)))
	}
	return all
}

// madeAtOnce bounds how many partitions are made at a time; enough of them that a sync of the whole file system serves.
const madeAtOnce = 256

// makePartitions makes all of a topic's at the same time, so that their syncs share what they can.
func (b *Broker) makePartitions(t *topic) error {
	made := make([]*Actor, t.Config().Partitions)
	errs := make([]error, len(made))
	slots := make(chan struct{}, madeAtOnce)
	var wait sync.WaitGroup
	for i := range made {
		slots <- struct{}{}
		wait.Go(func() {
			made[i], errs[i] = b.makePartition(t, i)
			<-slots
		})
	}
	wait.Wait()
	t.actors = slices.DeleteFunc(made, func(a *Actor) bool { return a == nil })
	return errors.Join(errs...)
}

func (b *Broker) makePartition(t *topic, i int) (*Actor, error) {
	dir := partitionDir(t.name, i)
	if err := b.fs.Mkdir(dir); err != nil {
		return nil, place(t.name, i, err)
	}
	if err := writeTopicID(b.fs, dir, t.id); err != nil {
		return nil, place(t.name, i, err)
	}
	p, _, err := partition.Open(b.topicPartition(t, dir))
	if err != nil {
		return nil, place(t.name, i, err)
	}
	return b.own(t.name, i, p, nil), nil
}

// dirs are the folders of a topic's partitions.
func (t *topic) dirs() []string {
	dirs := make([]string, t.Config().Partitions)
	for i := range dirs {
		dirs[i] = partitionDir(t.name, i)
	}
	return dirs
}

// close ends the owners of a topic.
func (t *topic) close() error {
	var all error
	for _, a := range t.actors {
		all = errors.Join(all, a.Close())
	}
	return all
}

// DeleteTopic implements broker.Broker: it is recorded, the folders get another name, and then they go.
func (b *Broker) DeleteTopic(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return broker.ErrDraining
	}
	t, ok := b.topics.Load(name)
	if !ok {
		return topicMissing(name)
	}
	if err := b.record(name, metaRecord{ID: t.id, Deleted: true}, deletion); err != nil {
		return writeError(err)
	}
	t.deleted.Store(true)
	b.topics.Delete(name)
	b.partitions -= len(t.actors)
	b.config.Metrics.Topics.Delete(name, t.traffic)
	if err := t.close(); err != nil {
		b.config.Logger.Warn("deleted topic did not close well", "topic", name, "error", err)
	}
	t.endProducers()
	b.discard(t)
	b.owners.starts.drop(t.dirs())
	b.forgetCommits(t)
	b.refreshGroups(name)
	return nil
}
