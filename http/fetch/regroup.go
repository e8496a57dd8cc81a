package fetch

import (
	"slices"
	"time"
)

// regroup asks the reader again when something has changed in its group: what it is not to have any more is given up in
// that call, and what it has held without a break goes on where it is.
func (s *stream) regroup() (err error) {
	if !s.poll.GroupNews() {
		return nil
	}
	f := s.f
	was := f.plan
	if f.plan, err = f.reader.again(&was); err != nil {
		return err
	}
	left := f.rounds.renew(func(partition int) bool { return f.plan.keeps(partition, was.generation) })
	for i := range left {
		s.poll.Drop(left[i].place)
	}
	f.rounds.sort()
	if f.plan.generation == was.generation && slices.Equal(f.plan.since, was.since) {
		return nil
	}
	if err := f.rounds.find(func(c *cursor) bool { return !c.started }); err != nil {
		return err
	}
	s.noteAssignment()
	return nil
}

// reading is how a member's reader takes what is sent. One that takes nothing while there is something for it holds no
// lease: that counts from when it was last seen to.
type reading struct {
	sent  int64     // bytes
	taken int64     // of them, when it was looked last
	at    time.Time // when that was
	waits bool      // something that was sent was not taken then
	stuck bool      // the lease is not held

	failed error // to hold it again
}

// nextLook is when to look again, within some time.
func (r *reading) nextLook(most time.Duration) time.Duration {
	if r.waits {
		return min(most, readerCheck)
	}
	return max(most, 0)
}

// hook is told of a reader that is slow while it is written to; nil for anybody but a member.
func (r *reading) hook(s *stream) func(took bool) {
	if s.f.query.Member == "" || s.poll == nil {
		return nil
	}
	return s.hold
}

// watchGroup holds the lease, unless the reader is stuck.
func (s *stream) watchGroup() error {
	if s.reading.stuck {
		return nil
	}
	if s.reading.failed != nil {
		return s.reading.failed
	}
	return s.f.watchGroup(s.poll)
}

// hold has the lease held while the reader takes something.
func (s *stream) hold(took bool) {
	switch {
	case took && s.reading.stuck:
		s.reading.stuck = false
		s.reading.failed = s.f.watchGroup(s.poll)
	case !took && !s.reading.stuck:
		s.reading.stuck = true
		s.poll.LeaveGroup()
	}
}

// look judges a member's reader, from time to time.
func (s *stream) look() {
	r := &s.reading
	if s.f.query.Member == "" {
		return
	}
	left, known := s.conn.Unsent()
	if !known {
		return
	}
	taken := r.sent - int64(left)
	r.waits = left > 0
	switch {
	case left == 0 || taken > r.taken:
		s.hold(true)
		r.taken, r.at = taken, time.Now()
	case time.Since(r.at) >= readerCheck:
		s.hold(false)
	}
}
