package actor

import (
	"math"
	"sync"
	"sync/atomic"

	"flashq/broker"
)

// keyTable is what a topic knows of the keys that were used with it, by their producer ids: which request each one
// stands for. Where its records are is known by the partitions. Callers use it, in their own goroutines.
type keyTable struct {
	all   *atomic.Int64 // what the keys of all topics count as
	limit int64

	mu    sync.Mutex
	keys  map[int64]keyEntry
	due   []keyDue // by when it was put there; each key stands in it once
	going []int64  // keys that are about to be forgotten
	ended bool     // with the topic
}

// keyEntry is one key.
type keyEntry struct {
	digest [16]byte // all zero: not known, its request is in the log
	used   int64    // when it last was, by the steady clock
	weight int32    // how many partitions it may be in: it counts as that many
	busy   bool     // a request with it is in flight, or it is about to be forgotten
}

// keyDue is when to look whether a key's time is up.
type keyDue struct{ id, at int64 }

// claimed is what a caller learns of the key that it has claimed.
type claimed int

const (
	newKey     claimed = iota // nobody has used it
	knownKey                  // for this same request
	unknownKey                // for a request that the log alone knows
)

func newKeyTable(all *atomic.Int64, limit int) *keyTable {
	return &keyTable{all: all, limit: int64(limit), keys: map[int64]keyEntry{}}
}

// claim takes a key for one request until conclude.
func (t *keyTable) claim(id int64, digest [16]byte, partitions int) (claimed, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, known := t.keys[id]
	switch {
	case t.ended:
		return newKey, nil // the owners have left, too
	case known && e.busy:
		return 0, broker.ErrKeyInFlight
	case known && e.digest == [16]byte{}:
		e.busy = true
		t.keys[id] = e
		return unknownKey, nil
	case known && e.digest != digest:
		return 0, broker.ErrKeyReused
	case known:
		e.busy = true
		t.keys[id] = e
		return knownKey, nil
	}
	if all := t.all.Add(int64(partitions)); all > t.limit {
		t.all.Add(int64(-partitions))
		return 0, &broker.LimitError{Err: broker.ErrTooManyKeys, Limit: t.limit}
	}
	t.keys[id] = keyEntry{digest: digest, weight: int32(min(partitions, math.MaxInt32)), busy: true}
	return newKey, nil
}

// conclude ends a claim. One of a request that was refused with nothing stored is as if it had not been.
func (t *keyTable) conclude(id int64, c claimed, digest [16]byte, refused bool, steady int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, known := t.keys[id]
	switch {
	case !known: // the topic has ended
		return
	case c == newKey && refused:
		delete(t.keys, id)
		t.all.Add(int64(-e.weight))
		return
	case c == newKey:
		t.due = append(t.due, keyDue{id: id, at: steady + keyWindow.Milliseconds()})
	}
	if !refused {
		e.digest = digest
	}
	e.used, e.busy = steady, false
	t.keys[id] = e
}

// found puts a key there that recovery has found in a partition; digest is all zero where it is not known.
func (t *keyTable) found(id int64, digest [16]byte, steady int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, known := t.keys[id]
	if !known {
		t.due = append(t.due, keyDue{id: id, at: steady + keyWindow.Milliseconds()})
	}
	if digest != [16]byte{} {
		e.digest = digest
	}
	e.used = steady
	e.weight++
	t.keys[id] = e
	t.all.Add(1)
}

// digest is what a key stands for; all zero where it is not known.
func (t *keyTable) digest(id int64) [16]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys[id].digest
}

// leave gives the keys whose time is up: nobody can claim them any more. They are forgotten by left.
func (t *keyTable) leave(steady int64) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.going) > 0 {
		return t.going
	}
	n := 0
	for ; n < len(t.due) && t.due[n].at <= steady; n++ {
		id := t.due[n].id
		e := t.keys[id]
		if at := e.used + keyWindow.Milliseconds(); e.busy || at > steady {
			t.due = append(t.due, keyDue{id: id, at: max(at, steady+1)})
			continue
		}
		e.busy = true
		t.keys[id] = e
		t.going = append(t.going, id)
	}
	t.due = t.due[n:]
	return t.going
}

// left forgets the keys that leave gave.
func (t *keyTable) left() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range t.going {
		if e, known := t.keys[id]; known {
			delete(t.keys, id)
			t.all.Add(int64(-e.weight))
		}
	}
	t.going = nil
	if len(t.keys) == 0 {
		t.keys, t.due = map[int64]keyEntry{}, nil // a map never gets smaller
	}
}

// end forgets all keys with their topic.
func (t *keyTable) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.keys {
		t.all.Add(int64(-e.weight))
	}
	t.keys, t.due, t.going, t.ended = map[int64]keyEntry{}, nil, nil, true
}
