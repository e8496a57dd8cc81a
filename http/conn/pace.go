package conn

import "time"

// A peer has to move minRate bytes a second over patience. It may pause, and pauses longer after it moved more: each
// byte earns what it takes at that rate.
const (
	minRate  = 1000
	patience = 10 * time.Second
	// patienceOut is the longest pause of a peer that takes an answer. What is seen of it is how its machine takes bytes
	// from ours, and that machine may wait until half of a buffer of 64 KiB is free again.
	patienceOut = 40 * time.Second
	// patienceBlind is the longest pause where it can't be seen what the peer has taken of what the system holds for it.
	patienceBlind = 60 * time.Second
	// patienceShort is the longest pause of a peer for which something is held that others need.
	patienceShort = time.Second
)

// pace judges how a peer moves bytes while it is waited for.
type pace struct {
	at    time.Time // when it was judged last; zero: never
	spare time.Duration
}

// keeps tells whether the peer may go on, having moved so many bytes since it was judged last; most is the longest
// pause.
func (p *pace) keeps(now time.Time, moved int, most time.Duration) bool {
	if p.at.IsZero() {
		p.at, p.spare = now, patience
	}
	p.spare += time.Duration(moved)*time.Second/minRate - now.Sub(p.at)
	p.spare = min(p.spare, most)
	p.at = now
	return p.spare > 0
}
