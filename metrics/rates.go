package metrics

// Series is what a counter was at each of the last seconds, so far as rates need it: it belongs to one goroutine. What
// is looked at are windows of 1, 10 and 60 seconds.
type Series struct {
	seconds [10]int64 // of the last seconds, a ring
	tens    [6]int64  // of every tenth second, a ring
	ticks   int
}

// Rates are per second, over the last so many seconds.
type Rates struct {
	Second float64 `json:"1s" doc:"over the last second" example:"20"`
	Ten    float64 `json:"10s" doc:"over the last ten" example:"20"`
	Minute float64 `json:"60s" doc:"over the last minute" example:"20"`
}

// Begin says what the counter was when its series began: before that it counts as unchanged.
func (s *Series) Begin(value int64) {
	for i := range s.seconds {
		s.seconds[i] = value
	}
	for i := range s.tens {
		s.tens[i] = value
	}
}

// Tick takes the counter's value, once a second, and gives the rates up to now. Over a minute it looks back 51 to 60
// seconds, and divides by what it is.
func (s *Series) Tick(value int64) (r Rates) {
	last := s.ticks % len(s.seconds)
	newest := (s.ticks + len(s.seconds) - 1) % len(s.seconds)
	ten := s.ticks / len(s.seconds) % len(s.tens)
	r = Rates{
		Second: float64(value - s.seconds[newest]), Ten: float64(value-s.seconds[last]) / 10,
	}
	if s.ticks%len(s.seconds) == 0 { // the oldest ten is 60 seconds ago
		r.Minute = float64(value-s.tens[ten]) / 60
		s.tens[ten] = value
	} else {
		next := (ten + 1) % len(s.tens)
		r.Minute = float64(value-s.tens[next]) / float64(50+s.ticks%len(s.seconds))
	}
	s.seconds[last] = value
	s.ticks++
	return r
}
