package budget

import "time"

// Lease is what one request holds of a budget. It belongs to that request's goroutine.
type Lease struct {
	from  *Budget
	share *Share // of whom it holds; may be nil
	held  int64
	alone bool // it is the one that from.alone speaks of, and not in from.used
}

// Lease gives a lease that holds nothing yet, for the holder of a share; nil is nobody who has to share.
func (b *Budget) Lease(s *Share) Lease { return Lease{from: b, share: s} }

// From is what the lease is of.
func (l *Lease) From() *Budget { return l.from }

// Move gives all that l holds to another lease and leaves l empty.
func (l *Lease) Move() Lease {
	moved := *l
	l.held, l.alone = 0, false
	return moved
}

// Raise makes the lease hold at least n; false leaves it as it was.
//
// A lease may grow to half of what the others leave: so the less there is, the smaller are those who still get some,
// and nobody who wants little is locked out by those who want much. One that wants more than half of the whole budget
// could hardly ever be had by that; there is one such lease at a time, and it doesn't count against the others. So
// whatever the limit is, a request alone is never refused, and all together hold no more than the limit and one
// request.
func (l *Lease) Raise(n int) bool {
	want := int64(n)
	more := want - l.held
	if more <= 0 {
		return true
	}
	if !l.share.add(more, l.held) {
		return false
	}
	if !l.grow(want, more) {
		l.share.give(more)
		l.from.refused.Store(time.Now().UnixNano())
		return false
	}
	l.held = want
	return true
}

func (l *Lease) grow(want, more int64) bool {
	b := l.from
	if l.alone {
		return true
	}
	for used := b.used.Load(); l.fits(want, used-l.held); used = b.used.Load() {
		if b.used.CompareAndSwap(used, used+more) {
			return true
		}
	}
	if want <= b.limit/2 || !b.alone.CompareAndSwap(false, true) {
		return false
	}
	b.used.Add(-l.held) // it stands beside the others from now on
	l.alone = true
	return true
}

func (l *Lease) fits(want, others int64) bool { return want <= (l.from.limit-others)/2 }

// HasRoom tells whether Raise(n) would do now, without doing it.
func (l *Lease) HasRoom(n int) bool {
	want, b := int64(n), l.from
	if want <= l.held || l.alone || l.fits(want, b.used.Load()-l.held) || want > b.limit/2 && !b.alone.Load() {
		return true
	}
	b.refused.Store(time.Now().UnixNano())
	return false
}

// Lower gives back what is held beyond n.
func (l *Lease) Lower(n int) {
	spare := l.held - int64(n)
	if spare <= 0 {
		return
	}
	if !l.alone {
		l.from.Give(spare)
	}
	l.share.give(spare)
	l.held -= spare
}

// End gives everything back. It may be called more than once.
func (l *Lease) End() {
	if l.held > 0 {
		l.Lower(0)
	}
	if l.alone {
		l.alone = false
		l.from.alone.Store(false)
	}
}
