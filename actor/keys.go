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
	keys  map[int64]*keyEntry
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

// claim is a key that a caller has for one request, until conclude.
type claim struct {
	id    int64
	entry *keyEntry
	what  claimed
}

// claimed is what a caller learns of the key that it has claimed.
type claimed int

const (
	newKey     claimed = iota // nobody has used it
	knownKey                  // for this same request
	unknownKey                // for a request that the log alone knows
)

func newKeyTable(all *atomic.Int64, limit int) *keyTable {
	return &keyTable{all: all, limit: int64(limit), keys: map[int64]*keyEntry{}}
}

// claim takes a key for one request until conclude.
func (t *keyTable) claim(id int64, digest [16]byte, partitions int) (claim, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := claim{id: id, entry: t.keys[id], what: knownKey}
	if e := c.entry; e != nil {
		switch {
		case e.busy:
			return c, broker.ErrKeyInFlight
		case e.digest == [16]byte{}:
			c.what = unknownKey
		case e.digest != digest:
			return c, broker.ErrKeyReused
		}
		e.busy = true
		return c, nil
	}
	c.entry = &keyEntry{digest: digest, weight: int32(min(partitions, math.MaxInt32)), busy: true}
	c.what = newKey
	if t.ended {
		return c, nil // the owners have left, too
	}
	if all := t.all.Add(int64(partitions)); all > t.limit {
		t.all.Add(int64(-partitions))
		return c, &broker.LimitError{Err: broker.ErrTooManyKeys, Limit: t.limit}
	}
	t.keys[id] = c.entry
	return c, nil
}

// conclude ends a claim. One of a request that was refused with nothing stored is as if it had not been.
func (t *keyTable) conclude(c claim, digest [16]byte, refused bool, steady int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return
	case c.what == newKey && refused:
		delete(t.keys, c.id)
		t.all.Add(int64(-c.entry.weight))
		return
	case c.what == newKey:
		t.due = append(t.due, keyDue{id: c.id, at: steady + keyWindow.Milliseconds()})
	}
	if !refused {
		c.entry.digest = digest
	}
	c.entry.used, c.entry.busy = steady, false
}

// found puts a key there that recovery has found in a partition; digest is all zero where it is not known.
func (t *keyTable) found(id int64, digest [16]byte, steady int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.keys[id]
	if e == nil {
		e = &keyEntry{}
		t.keys[id] = e
		t.due = append(t.due, keyDue{id: id, at: steady + keyWindow.Milliseconds()})
	}
	if digest != [16]byte{} {
		e.digest = digest
	}
	e.used = steady
	e.weight++
	t.all.Add(1)
}

// digest is what a key stands for; all zero where it is not known.
func (t *keyTable) digest(id int64) [16]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.keys[id]; e != nil {
		return e.digest
	}
	return [16]byte{}
}

// leaveAtOnce bounds what a partition's owner forgets in one turn.
const leaveAtOnce = 20_000

// leave gives the keys whose time is up: nobody can claim them any more. They are forgotten by left.
func (t *keyTable) leave(steady int64) []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.going) > 0 {
		return t.going
	}
	n := 0
	for ; n < len(t.due) && t.due[n].at <= steady && len(t.going) < leaveAtOnce; n++ {
		id := t.due[n].id
		e := t.keys[id]
		if at := e.used + keyWindow.Milliseconds(); e.busy || at > steady {
			t.due = append(t.due, keyDue{id: id, at: max(at, steady+1)})
			continue
		}
		e.busy = true
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
		t.keys, t.due = map[int64]*keyEntry{}, nil // a map never gets smaller
	}
}

// end forgets all keys with their topic.
func (t *keyTable) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.keys {
		t.all.Add(int64(-e.weight))
	}
	t.keys, t.due, t.going, t.ended = map[int64]*keyEntry{}, nil, nil, true
}
