package actor

import (
	"sync/atomic"
	"time"
)

// What failed in the background is tried again: soon at first, then less and less often, for as long as it takes.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// backoff is how long to wait after so many tries before the one that has just failed.
func backoff(tries int) time.Duration {
	return min(firstRetry<<min(tries, 10), lastRetry)
}

// Retries counts what failed in the background and is tried again, since the start. All atomic.
type Retries struct {
	Syncs       atomic.Int64 // that could not be tried
	Removals    atomic.Int64 // of segments that retention let go of
	Snapshots   atomic.Int64 // of logs that are compacted: groups' and the metadata's
	Checkpoints atomic.Int64 // of sealed segments
	Deletions   atomic.Int64 // of topics' folders
	Reserves    atomic.Int64 // of room for deletions of commits
	Recoveries  atomic.Int64 // of what start-up found no room to write
	Producers   atomic.Int64 // of what is known of producers, by the next roll
}

// Retries tells how often what runs in the background failed.
func (b *Broker) Retries() *Retries { return b.owners.retries }

// pause waits; false when the broker ends first.
func (b *Broker) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.stop:
		return false
	}
}
