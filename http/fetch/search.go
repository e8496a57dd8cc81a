package fetch

import (
	"net"

	"flashq/broker"
	"flashq/budget"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/segment/batch"
	"flashq/slab"
)

// MostSearches bounds the searches for a time that go on at once; those that an index answers don't count.
const MostSearches = 8

// searchBytes is about what a search holds that goes on: a window of the log.
const searchBytes = 64 << 10

// search is the searches for a time of one request, one after the other. The first window that one looks at is for
// free, which is nearly all there is to do. One that goes on takes a slot and room, and ends when its client is gone or
// the server drains.
type search struct {
	env  *Env
	conn net.Conn // of the request

	// of the one that runs
	goesOn bool
	slot   bool
	peer   *conn.Peer
	hold   budget.Lease
	room   []byte // a slab: a batch decompressed
	why    error  // it was stopped
}

// find looks for the first record of a view from an offset on that is not older than millis.
func (s *search) find(view broker.Snapshot, millis, from int64) (offset, time int64, ok bool, err error) {
	s.hold = s.env.Answers.Lease(conn.ShareOf(s.conn))
	defer s.settle()
	q := broker.TimeSearch{Millis: millis, From: from, Unpack: s.unpack, Stop: s.stop}
	offset, time, ok, err = view.OffsetForTime(q)
	if s.why != nil {
		return 0, 0, false, s.why
	}
	return offset, time, ok, err
}

// settle gives back what a search has taken.
func (s *search) settle() {
	if s.slot {
		<-s.env.Searches
	}
	s.peer.Stop()
	s.hold.End()
	slab.Put(s.room)
	*s = search{env: s.env, conn: s.conn}
}

func (s *search) unpack(packed batch.Batch) (plain batch.Batch, err error) {
	if plain, s.room, err = s.env.Codecs.Unpack(s.room, packed); err == nil && !s.afford() {
		err = s.why
	}
	return plain, err
}

// afford accounts for what the search holds.
func (s *search) afford() bool {
	if !s.hold.Raise(searchBytes + cap(s.room)) {
		s.why = overloaded("Too many bytes of answers are being sent")
	}
	return s.why == nil
}

// stop is asked before each window but the first.
func (s *search) stop() bool {
	if !s.goesOn {
		s.goesOn = true
		if !s.afford() {
			return true
		}
		s.peer = s.env.Peers.Watch(s.conn)
	}
	if s.ended() {
		return true
	}
	if s.slot {
		return false
	}
	select {
	case s.env.Searches <- struct{}{}:
		s.slot = true
	case <-s.peer.Gone():
	case <-s.env.Drain:
	}
	return s.ended()
}

// ended tells that nobody waits for the search any more.
func (s *search) ended() bool {
	select {
	case <-s.peer.Gone():
		s.why = fault.RequestTimeout.New("The client closed its connection while the broker searched for a time", nil)
	case <-s.env.Drain:
		s.why = broker.ErrDraining
	default:
	}
	return s.why != nil
}
