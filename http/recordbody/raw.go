package recordbody

import (
	"flashq/segment/batch"
	"flashq/slab"
)

// Single is what stands beside a raw body, which is one record's value.
type Single struct {
	Key       []byte // nil: none
	Timestamp int64  // milliseconds; where Clock is Ago, from when the whole body has come
	Clock     Clock  // of Timestamp; which is not given where it is the broker's
	Headers   []batch.Header
}

// Raw makes a batch of a raw body. Its zero value is ready; it belongs to one goroutine at a time and is worth pooling.
// Each success is followed by one Release.
type Raw struct {
	builder batch.Builder // its Buf is a slab
	req     Request
}

// Decode takes a body as the value of one record. The error is always an *Error; nothing is kept then.
func (r *Raw) Decode(value []byte, s Single, t Target) (*Request, error) {
	if s.Clock == Ago {
		s.Timestamp += t.Now
	}
	size, err := s.judge(value, &t)
	if err != nil {
		return nil, err
	}
	partition, err := t.place(s.Key)
	if err != nil {
		return nil, err
	}
	timed := s.Clock != BrokerClock
	if !timed {
		s.Timestamp = t.Now
	}
	if value == nil {
		value = []byte{} // nil would be a tombstone
	}
	r.builder.Reset(slab.Get(size))
	r.builder.Add(s.Timestamp, s.Key, value, s.Headers...)
	r.req.Parts = append(r.req.Parts[:0], Part{
		Partition: partition, BrokerTime: !timed, LastTimestamp: s.Timestamp, LastClock: s.Clock,
		Batch: r.builder.Finish(),
	})
	r.req.Placements = r.req.Placements[:0]
	if t.Placements {
		r.req.Placements = append(r.req.Placements, Placement{Named: t.Partition >= 0, Time: s.Clock})
	}
	r.req.Count = 1
	if t.Digest != nil {
		t.Digest.AddAll(&r.req, t.Now)
	}
	return &r.req, nil
}

// judge holds the record against the limits, and tells how much room its batch takes at most.
func (s *Single) judge(value []byte, t *Target) (size int, err *Error) {
	const room = batch.HeaderSize + 64 // seven varints and the attributes
	if err = t.Limits.record(s.Key, value, len(s.Headers)); err != nil {
		return 0, err
	}
	size = room + len(s.Key) + len(value)
	for _, h := range s.Headers {
		if err = t.Limits.header(h); err != nil {
			return 0, err
		}
		size += batch.HeaderSizeOf(len(h.Key), len(h.Value))
	}
	if s.Clock != BrokerClock {
		err = checkTime(s.Timestamp, t.Now)
	}
	return size, err
}

// Release ends the Request: its slab is given back unless keep says that its one part went to another owner.
func (r *Raw) Release(keep func(part int) bool) {
	if len(r.req.Parts) > 0 && (keep == nil || !keep(0)) {
		slab.Put(r.builder.Buf)
	}
	r.builder = batch.Builder{}
	clear(r.req.Parts)
	r.req.Parts = r.req.Parts[:0]
}
