package metrics

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Traffic counts what went into a topic, or all of them, and out again: records, and their bytes as they are stored,
// without the heads of their batches. It may be used by any number of goroutines.
type Traffic struct {
	shards [shards]trafficShard
	all    *Traffic // of all topics; nil: this is that
	begins atomic.Pointer[Flows]
}

type trafficShard struct {
	recordsIn, bytesIn, recordsOut, bytesOut atomic.Int64
	_                                        [32]byte // to a cache line
}

// Flows is how much went in and out.
type Flows struct{ RecordsIn, BytesIn, RecordsOut, BytesOut int64 }

// Produced counts what was stored.
func (t *Traffic) Produced(records, bytes int64) {
	at := turns.Get().(*turn) //nolint:forcetypeassert // the pool makes nothing else
	for ; t != nil; t = t.all {
		s := &t.shards[at.shard]
		s.recordsIn.Add(records)
		s.bytesIn.Add(bytes)
	}
	turns.Put(at)
}

// Consumed counts what was read.
func (t *Traffic) Consumed(records, bytes int64) {
	at := turns.Get().(*turn) //nolint:forcetypeassert // the pool makes nothing else
	for ; t != nil; t = t.all {
		s := &t.shards[at.shard]
		s.recordsOut.Add(records)
		s.bytesOut.Add(bytes)
	}
	turns.Put(at)
}

// Flows gives what was counted.
func (t *Traffic) Flows() (f Flows) {
	for i := range t.shards {
		s := &t.shards[i]
		f.RecordsIn += s.recordsIn.Load()
		f.BytesIn += s.bytesIn.Load()
		f.RecordsOut += s.recordsOut.Load()
		f.BytesOut += s.bytesOut.Load()
	}
	return f
}

// Begins is what had been counted when the topic was made: of an earlier one of its name.
func (t *Traffic) Begins() Flows {
	if f := t.begins.Load(); f != nil {
		return *f
	}
	return Flows{}
}

// Topics are the traffic of all topics and of each. What was counted of a topic is remembered when it is deleted, so
// that one of the same name goes on from there: a counter never goes back. It may be used by any number of goroutines.
type Topics struct {
	All Traffic

	mu      sync.Mutex
	deleted map[string]*Traffic
	order   []string // of deleted, the oldest first
}

// mostDeleted bounds the deleted topics that are remembered: the oldest are forgotten, and would begin at 0 again.
const mostDeleted = 10_000

// Topic gives the traffic of a topic that is made, or found at start. Who holds it keeps it: there is no look-up.
func (t *Topics) Topic(name string) *Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	if back := t.deleted[name]; back != nil {
		t.forget(slices.Index(t.order, name))
		f := back.Flows()
		back.begins.Store(&f)
		return back
	}
	return &Traffic{all: &t.All}
}

// Delete remembers the traffic of a topic that is no more.
func (t *Topics) Delete(name string, of *Traffic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deleted == nil {
		t.deleted = map[string]*Traffic{}
	}
	t.deleted[name] = of
	t.order = append(t.order, name)
	if len(t.order) > mostDeleted {
		t.forget(0)
	}
}

func (t *Topics) forget(i int) {
	delete(t.deleted, t.order[i])
	t.order = slices.Delete(t.order, i, i+1)
}
