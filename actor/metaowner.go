package actor

import (
	"fmt"
	"maps"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// metaOwner is what the owner of the metadata log has besides the log: what the log says. When the log rolls, that is
// written again, and the segments before can go: so it stays bounded, whatever clients do. All of it belongs to run.
type metaOwner struct {
	catalog

	segmentBytes int64 // where the log rolls at least
	snapshot     snapshotState
}

// metaSegmentBytes is where the metadata log rolls at least; it grows with what a snapshot of it takes.
const metaSegmentBytes = 1 << 20

func newMetaOwner(known catalog, segmentBytes int64) *metaOwner {
	known.forget()
	return &metaOwner{catalog: known, segmentBytes: segmentBytes}
}

func (c catalog) clone() catalog {
	c.topics, c.deleted, c.removed = maps.Clone(c.topics), maps.Clone(c.deleted), maps.Clone(c.removed)
	return c
}

// written takes over what was written.
func (m *metaOwner) written(requests []*request) {
	for _, r := range requests {
		if err := m.apply(r.part.Batch); err != nil {
			panic(fmt.Sprintf("actor: the metadata log can't be read: %v", err)) // a broken invariant
		}
	}
	m.forget()
}

// rolled follows a roll of the log: what exists is written again, and what is deleted and not removed yet.
func (m *metaOwner) rolled(log *partition.Partition, _ int64) error {
	base, before := log.Next(), log.Bytes()
	if err := m.writeAll(log); err != nil {
		return err
	}
	m.snapshot = snapshotState{base: base, end: log.Next()}
	log.SetRetention(m.retention(log.Bytes() - before))
	return nil
}

func (m *metaOwner) retention(snapshotBytes int64) partition.Retention {
	return partition.Retention{Ms: -1, Bytes: -1, SegmentBytes: max(m.segmentBytes, 4*snapshotBytes)}
}

// snapshotBatch is how many topics are written again in one batch.
const snapshotBatch = 100

func (m *metaOwner) writeAll(log *partition.Partition) error {
	now, b, n := moment(), batch.Builder{}, 0
	write := func() error {
		part := broker.Part{Batch: b.Finish(), BrokerTime: true}
		b, n = batch.Builder{}, 0
		return log.Append(now, []*broker.Part{&part})
	}
	add := func(name string, r metaRecord) error {
		if err := encodeMeta(&b, now.Wall, name, r); err != nil {
			return err
		}
		if n++; n < snapshotBatch {
			return nil
		}
		return write()
	}
	for id, name := range m.deleted {
		if err := add(name, metaRecord{ID: id, Deleted: true}); err != nil {
			return err
		}
	}
	for name, r := range m.topics {
		if err := add(name, r); err != nil {
			return err
		}
	}
	if n == 0 {
		return nil
	}
	return write()
}

// durable tells that the log is durable below upTo. Where a snapshot is, nothing older than base is needed.
func (m *metaOwner) durable(upTo int64) (base int64, ok bool) { return m.snapshot.durable(upTo) }

// change says what a record of the metadata log is for: what frees room has room of its own.
type change int

const (
	ordinary change = iota
	smaller         // a topic keeps less from now on
	deletion
)

// What is kept free in the log's blocks for deletions, for each topic, and for smaller bounds.
const (
	deletionBytes = 1 << 10
	smallerBytes  = 64 << 10
)

// reserve takes blocks for a change and leaves alone those that more urgent ones may need; without them, a change that
// frees no room is refused.
func (a *Actor) reserve(c change, bytes int) error {
	m, _ := a.compacted.(*metaOwner)
	need := int64(bytes)
	switch c {
	case ordinary:
		need += smallerBytes + deletionBytes*int64(len(m.topics)+1)
	case smaller:
		need += deletionBytes * int64(len(m.topics))
	case deletion:
	}
	err := a.part.Reserve(need)
	if c == deletion || !segment.MayRetry(err) {
		return nil // it has no need of more, or writing will tell
	}
	a.full.Store(nowMillis())
	return err
}

// goOn lets the metadata log grow where there is no room to seal its segment: it has blocks of its own in this one.
func (a *Actor) goOn() bool {
	m, ok := a.compacted.(*metaOwner)
	if ok {
		grown := m.retention(0)
		grown.SegmentBytes = a.part.Bytes() + smallerBytes
		a.part.SetRetention(grown)
	}
	return ok
}
