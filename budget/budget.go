// Package budget owns bounds on what many requests hold together: bytes in flight, fetches that wait. Who holds a part
// of one has a lease on it.
package budget

import "sync/atomic"

// Budget bounds a sum over all requests. Its methods may be called by any number of goroutines.
type Budget struct {
	limit int64 // set before use
	used  atomic.Int64
}

// New gives a budget of so much, all of it free.
func New(limit int) *Budget { return &Budget{limit: int64(limit)} }

// Take reserves n, or nothing when that would exceed the limit.
func (b *Budget) Take(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

// Give returns what was taken.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// HasRoom tells whether n could be taken now, without taking it.
func (b *Budget) HasRoom(n int64) bool { return b.used.Load()+n <= b.limit }

// Used tells how much is taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// Lease is what one request holds of a budget. It belongs to that request's goroutine.
type Lease struct {
	from *Budget
	held int64
}

// Lease gives a lease that holds nothing yet.
func (b *Budget) Lease() Lease { return Lease{from: b} }

// Move gives all that l holds to another lease and leaves l empty.
func (l *Lease) Move() Lease {
	moved := *l
	l.held = 0
	return moved
}

// Raise makes the lease hold at least n; false leaves it as it was.
func (l *Lease) Raise(n int) bool {
	more := int64(n) - l.held
	if more <= 0 {
		return true
	}
	if !l.from.Take(more) {
		return false
	}
	l.held += more
	return true
}

// Lower gives back what is held beyond n.
func (l *Lease) Lower(n int) {
	if spare := l.held - int64(n); spare > 0 {
		l.from.Give(spare)
		l.held -= spare
	}
}

// End gives everything back. It may be called more than once.
func (l *Lease) End() {
	if l.held > 0 {
		l.from.Give(l.held)
		l.held = 0
	}
}
