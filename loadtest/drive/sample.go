package drive

import "time"

// Sample is what one measurement found.
type Sample struct {
	*Tally
	Elapsed   time.Duration
	Server    time.Duration // CPU time of the server, where known
	Known     bool          // server
	Generator time.Duration // CPU time of this process
	UsedUp    bool
	Unsent    int64
	Seconds   []Second
}

// Add sums a measurement up with others of the same side.
func (s *Sample) Add(o Sample) {
	s.merge(o.Tally)
	s.Elapsed += o.Elapsed
	s.Server += o.Server
	s.Known = s.Known && o.Known
	s.Generator += o.Generator
	s.Unsent += o.Unsent
	s.Seconds = append(s.Seconds, o.Seconds...)
}

// EndAt leaves out the time after the last event, in which only the end was awaited.
func (s *Sample) EndAt(nanoseconds int64) {
	if end := time.Duration(nanoseconds); end > 0 && end < s.Elapsed {
		s.Elapsed = end
	}
	for n := len(s.Seconds); n > 1 && s.Seconds[n-1].Records == 0; n-- {
		s.Seconds = s.Seconds[:n-1]
	}
}
