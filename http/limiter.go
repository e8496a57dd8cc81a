package http

import "sync"

// limiter bounds how often something is logged. The zero value is ready, and may be used by any number of goroutines.
type limiter struct {
	mu      sync.Mutex
	second  int64
	said    int
	skipped int64
}

// linesPerSecond is how often, at most.
const linesPerSecond = 10

// allow tells whether there may be another line, and how many were left out since the last one.
func (l *limiter) allow() (skipped int64, ok bool) {
	second := int64(steady().Seconds())
	l.mu.Lock()
	defer l.mu.Unlock()
	if second != l.second {
		l.second, l.said = second, 0
	}
	if l.said == linesPerSecond {
		l.skipped++
		return 0, false
	}
	l.said++
	skipped, l.skipped = l.skipped, 0
	return skipped, true
}
