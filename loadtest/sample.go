package loadtest

import "time"

// sample is what one measurement found.
type sample struct {
	*tally
	elapsed   time.Duration
	server    time.Duration // CPU time of the server, where known
	known     bool          // server
	generator time.Duration // CPU time of this process
	usedUp    bool
	unsent    int64
	seconds   []Second
}

// add sums a measurement up with others of the same side.
func (s *sample) add(o sample) {
	s.merge(o.tally)
	s.elapsed += o.elapsed
	s.server += o.server
	s.known = s.known && o.known
	s.generator += o.generator
	s.unsent += o.unsent
	s.seconds = append(s.seconds, o.seconds...)
}

// endAt leaves out the time after the last event, in which only the end was awaited.
func (s *sample) endAt(nanoseconds int64) {
	if end := time.Duration(nanoseconds); end > 0 && end < s.elapsed {
		s.elapsed = end
	}
	for n := len(s.seconds); n > 1 && s.seconds[n-1].Records == 0; n-- {
		s.seconds = s.seconds[:n-1]
	}
}
