// Package budget owns bounds on what many requests hold together: bytes in flight, fetches that wait. Who holds a part
// of one has a lease on it.
package budget

import (
	"sync/atomic"
	"time"
)

// Budget bounds a sum over all requests. Its methods may be called by any number of goroutines.
type Budget struct {
	limit   int64 // set before use
	used    atomic.Int64
	alone   atomic.Bool  // a lease that is too large to share is out: see Lease.Raise
	refused atomic.Int64 // when a lease last found no room, in nanoseconds of the clock
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

// Limit tells how much there is.
func (b *Budget) Limit() int64 { return b.limit }

// Used tells how much is taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// shortFor is how long a budget counts as short after somebody found no room in it: until a client that was refused has
// come again, as it was told to.
const shortFor = 3 * time.Second

// Short tells that somebody found no room lately: who holds a part and makes no use of it has to go.
func (b *Budget) Short() bool {
	last := b.refused.Load()
	return last != 0 && time.Since(time.Unix(0, last)) < shortFor
}

// Share is what one holder of several leases may have at a time, whatever budgets they are of. Its methods may be
// called by any number of goroutines; a nil Share bounds nothing.
type Share struct {
	most int64 // set before use
	used atomic.Int64
}

// NewShare gives a share of so much.
func NewShare(most int64) *Share { return &Share{most: most} }

// add counts n more. A single lease is never too large for a share, since it could never be had.
func (s *Share) add(n, held int64) bool {
	if s == nil {
		return true
	}
	if used := s.used.Add(n); used <= s.most || used == held+n {
		return true
	}
	s.used.Add(-n)
	return false
}

func (s *Share) give(n int64) {
	if s != nil {
		s.used.Add(-n)
	}
}
