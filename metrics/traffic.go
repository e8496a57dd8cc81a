package metrics

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Flow counts what went one way: records, and their bytes as they are stored, without the heads of their batches.
type Flow struct{ records, bytes atomic.Int64 }

// Records is how many there were.
func (f *Flow) Records() int64 { return f.records.Load() }

// Bytes is how many they took.
func (f *Flow) Bytes() int64 { return f.bytes.Load() }

func (f *Flow) add(records, bytes int64) {
	f.records.Add(records)
	f.bytes.Add(bytes)
}

// Traffic counts what went into a topic, or all of them, and out again. It may be used by any number of goroutines.
type Traffic struct {
	In, Out Flow

	all *Traffic // of all topics; nil: this is that

	ticked [4]int64 // what Ticked saw last, of the one goroutine that calls it
}

// Counts gives all four counters: records and bytes in, records and bytes out.
func (t *Traffic) Counts() [4]int64 {
	return [4]int64{t.In.Records(), t.In.Bytes(), t.Out.Records(), t.Out.Bytes()}
}

// Ticked gives the counters as they were when it was called last, and as they are. One goroutine calls it.
func (t *Traffic) Ticked() (before, now [4]int64) {
	before, now = t.ticked, t.Counts()
	t.ticked = now
	return before, now
}

// Produced counts what was stored.
func (t *Traffic) Produced(records, bytes int64) {
	t.In.add(records, bytes)
	if t.all != nil {
		t.all.In.add(records, bytes)
	}
}

// Consumed counts what was read.
func (t *Traffic) Consumed(records, bytes int64) {
	t.Out.add(records, bytes)
	if t.all != nil {
		t.all.Out.add(records, bytes)
	}
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
