package actor

import "time"

// What failed in the background is tried again: soon at first, then less and less often, for as long as it takes.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// backoff is how long to wait after so many tries before the one that has just failed.
func backoff(tries int) time.Duration {
	return min(firstRetry<<min(tries, 10), lastRetry)
}
