package http

import "sync/atomic"

// budget bounds a sum over all requests: bytes in flight, fetches that wait.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves n, or nothing when that would exceed the limit.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// hasRoom tells whether n could be taken now, without taking it.
func (b *budget) hasRoom(n int64) bool { return b.used.Load()+n <= b.limit }

// lease is what one request holds of a budget. It belongs to that request's goroutine.
type lease struct {
	from *budget
	held int64
}

// raise makes the lease hold at least n; false leaves it as it was.
func (l *lease) raise(n int) bool {
	more := int64(n) - l.held
	if more <= 0 {
		return true
	}
	if !l.from.take(more) {
		return false
	}
	l.held += more
	return true
}

// lower gives back what is held beyond n.
func (l *lease) lower(n int) {
	if spare := l.held - int64(n); spare > 0 {
		l.from.give(spare)
		l.held -= spare
	}
}

// end gives everything back. It may be called more than once.
func (l *lease) end() {
	if l.held > 0 {
		l.from.give(l.held)
		l.held = 0
	}
}
