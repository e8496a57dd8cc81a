package actor

import (
	"encoding/json"
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// metaTopic is the internal log of what exists. A record's key is the topic's name, its value a metaRecord.
const metaTopic = "__flashq_meta"

// metaRecord says that a topic exists with this configuration, or no longer does.
type metaRecord struct {
	ID             string `json:"id"` // Kafka's topic id: a UUID in URL-safe base64
	Partitions     int    `json:"partitions,omitempty"`
	RetentionMs    int64  `json:"retention_ms"`
	RetentionBytes int64  `json:"retention_bytes"`
	SegmentBytes   int64  `json:"segment_bytes"`
	SegmentMs      int64  `json:"segment_ms,omitempty"` // none: the default
	Deleted        bool   `json:"deleted,omitempty"`
	Removed        bool   `json:"removed,omitempty"` // and its folders are gone
}

func (m metaRecord) config() broker.TopicConfig {
	return broker.TopicConfig{
		Partitions: m.Partitions, RetentionMs: m.RetentionMs, RetentionBytes: m.RetentionBytes, SegmentBytes: m.SegmentBytes,
		SegmentMs: m.SegmentMs,
	}
}

func metaOf(id string, c broker.TopicConfig) metaRecord {
	return metaRecord{
		ID: id, Partitions: c.Partitions, RetentionMs: c.RetentionMs, RetentionBytes: c.RetentionBytes,
		SegmentBytes: c.SegmentBytes, SegmentMs: c.SegmentMs,
	}
}

// catalog is what the metadata log says when it is read to its end.
type catalog struct {
	topics  map[string]metaRecord
	deleted map[string]string // names by id
	removed map[string]bool   // ids of those whose folders are gone as well
	records int64
}

func newCatalog() catalog {
	return catalog{topics: map[string]metaRecord{}, deleted: map[string]string{}, removed: map[string]bool{}}
}

// readMeta replays the metadata log. Damage in it is an error: what exists must not be guessed.
func readMeta(p *partition.Partition) (catalog, error) {
	c := newCatalog()
	damaged := func(d *segment.DamagedError) error { return d }
	if err := eachBatch(p, c.apply, damaged); err != nil {
		return c, fmt.Errorf("%s: %w", metaTopic, err)
	}
	return c, nil
}

// eachBatch walks a log from its start to its end. damaged is told of what can't be read, and the walk goes on after
// it. It ends with the first error: the file system's, or what see or damaged returned.
func eachBatch(p *partition.Partition, see func(batch.Batch) error, damaged func(*segment.DamagedError) error) error {
	view := p.View()
	defer view.Close()
	for next := view.Start(); next < view.End(); {
		data, err := view.Read(nil, next, 1<<20)
		var bad *segment.DamagedError
		if errors.As(err, &bad) {
			next, err = bad.NextGood, damaged(bad)
		}
		if err != nil {
			return err
		}
		for len(data) > 0 {
			var b batch.Batch
			if b, data, err = batch.Next(data); err != nil {
				return err
			}
			if err := see(b); err != nil {
				return fmt.Errorf("offset %d: %w", b.BaseOffset(), err)
			}
			next = b.LastOffset() + 1
		}
	}
	return nil
}

func (c *catalog) apply(b batch.Batch) error {
	it := b.Records()
	for it.Next() {
		var m metaRecord
		if err := json.Unmarshal(it.Record.Value, &m); err != nil {
			return err
		}
		c.records++
		name := string(it.Record.Key)
		if m.Deleted {
			c.drop(name, m)
			continue
		}
		if m.Partitions < 1 {
			return fmt.Errorf("topic %s has %d partitions", name, m.Partitions)
		}
		c.topics[name] = m
	}
	return it.Err()
}

// drop takes a deleted topic out; a new one of its name stays.
func (c *catalog) drop(name string, m metaRecord) {
	if c.deleted[m.ID] = name; m.Removed {
		c.removed[m.ID] = true
	}
	if c.topics[name].ID == m.ID {
		delete(c.topics, name)
	}
}

// forget lets go of the topics of which nothing is left.
func (c *catalog) forget() {
	for id := range c.removed {
		delete(c.deleted, id)
	}
	clear(c.removed)
}

// encodeMeta makes the batch that says m of a topic.
func encodeMeta(b *batch.Builder, now int64, name string, m metaRecord) error {
	value, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b.Add(now, []byte(name), value)
	return nil
}

// record appends to the metadata log and waits until it is durable.
func (b *Broker) record(name string, m metaRecord, c change) error {
	var builder batch.Builder
	if err := encodeMeta(&builder, nowMillis(), name, m); err != nil {
		return err
	}
	part := broker.Part{Batch: builder.Finish(), BrokerTime: true}
	var full error
	if b.meta.ask(func() { full = b.meta.reserve(c, len(part.Batch)) }); full != nil {
		return writeError(full)
	}
	r := b.meta.send(&part, true)
	if r == nil {
		return broker.ErrDraining
	}
	err := b.meta.wait(r)
	if errors.Is(err, errLeft) {
		return broker.ErrDraining
	}
	return err
}
