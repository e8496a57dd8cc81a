package metrics

// Series is what a counter was at each of the last seconds: it belongs to one goroutine. What is looked at are windows
// of 1, 10 and 60 seconds.
type Series struct {
	seconds [60]int64 // a ring
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
}

// Tick takes the counter's value, once a second, and gives the rates up to now. A window that reaches back before the
// series began is as long as ever.
func (s *Series) Tick(value int64) Rates {
	grown := func(seconds int) float64 {
		then := s.seconds[(s.ticks+len(s.seconds)-seconds)%len(s.seconds)]
		return float64(value-then) / float64(seconds)
	}
	r := Rates{Second: grown(1), Ten: grown(10), Minute: grown(60)}
	s.seconds[s.ticks%len(s.seconds)] = value
	s.ticks++
	return r
}
