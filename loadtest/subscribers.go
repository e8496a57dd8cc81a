package loadtest

import (
	"bytes"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// subscribers see what comes on all streams: each is to have every record once, a producer's in the order in which it
// sent them. A producer writes to one partition, so its numbers come one after the other. They belong to whoever runs
// the streams.
type subscribers struct {
	run     uint32
	size    int64 // of a value
	streams []subscriber

	newest   int64 // when the last record came
	found    report.Verdict
	controls int64  // events that are no records
	control  string // the first of them
	isOver   func(now, newest, received int64) bool
}

// subscriber is one stream.
type subscriber struct {
	held    []byte  // of a line that came in pieces
	next    []int64 // by producer: the number of its next record
	holes   []hole  // what was passed over
	reorder bool    // something was doubled or out of order
}

// hole is numbers of a producer that have not come, though later ones have: from, to (exclusive).
type hole struct {
	producer int
	from, to int64
}

// maxHoles bounds what is kept of a stream with which nothing is right; what closes an older hole counts as doubled.
const maxHoles = 1000

// maxLine bounds what is kept of a line: more than any record may have.
const maxLine = 16 << 20

func newSubscribers(run uint32, size int64, streams, producers int) *subscribers {
	s := &subscribers{run: run, size: size, streams: make([]subscriber, streams)}
	next := make([]int64, streams*producers)
	for i := range s.streams {
		s.streams[i].next = next[i*producers : (i+1)*producers : (i+1)*producers]
	}
	return s
}

// Take implements drive.Watcher.
func (s *subscribers) Take(stream int, b []byte, now int64, t *drive.Tally) {
	one := &s.streams[stream]
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			if one.held = append(one.held, b...); len(one.held) > maxLine { // no record of ours
				one.held = nil
				s.found.Strangers++
			}
			return
		}
		line := b[:end]
		if len(one.held) > 0 {
			line = append(one.held, line...)
			one.held = line[:0]
		}
		b = b[end+1:]
		s.line(one, line, now, t)
	}
}

// valueMark is what stands before a record's value.
var valueMark = []byte(`"value":"`)

// line takes one of an event stream or of NDJSON: a record, or what goes with it.
func (s *subscribers) line(one *subscriber, line []byte, now int64, t *drive.Tally) {
	at := bytes.Index(line, valueMark)
	if at < 0 {
		lone := bytes.HasPrefix(line, []byte("{")) && !bytes.HasPrefix(line, []byte(`{"partition"`))
		if lone || bytes.HasPrefix(line, []byte("event:")) {
			s.controlled(line)
		}
		return
	}
	stamp, mine := readStamp(line[at+len(valueMark):])
	if !mine || stamp.run != s.run || stamp.producer >= len(one.next) {
		s.found.Strangers++
		return
	}
	s.newest = now
	if one.arrive(stamp.producer, stamp.number, &s.found) {
		s.found.Received++
	}
	t.Succeeded(1, s.size, now-stamp.meant)
}

func (s *subscribers) controlled(line []byte) {
	if s.controls++; s.controls == 1 {
		s.control = string(line[:min(len(line), 200)])
	}
}

// arrive tells whether a record is new.
func (one *subscriber) arrive(producer int, number int64, found *report.Verdict) bool {
	next := &one.next[producer]
	if number == *next {
		*next++
		return true
	}
	if number > *next {
		if len(one.holes) == maxHoles {
			one.holes = one.holes[1:]
		}
		one.holes = append(one.holes, hole{producer, *next, number})
		*next = number + 1
		return true
	}
	one.reorder = true
	for i, h := range one.holes {
		if h.producer == producer && h.from <= number && number < h.to {
			found.OutOfOrder++
			one.holes[i].to = number
			if number+1 < h.to {
				one.holes = append(one.holes, hole{producer, number + 1, h.to})
			}
			return true
		}
	}
	found.Doubled++
	return false
}

// Over implements drive.Watcher.
func (s *subscribers) Over(now int64) bool { return s.isOver(now, s.newest, s.found.Received) }

// verdict is of all streams together, once they are read no more; short is how many of them were served otherwise than
// promised. acknowledged has the numbers of each producer whose requests were answered.
func (s *subscribers) verdict(acknowledged []numbers) (v report.Verdict, short int) {
	v = s.found
	for i := range s.streams {
		one := &s.streams[i]
		var lost int64
		for producer, acked := range acknowledged {
			v.Acknowledged += acked.all()
			lost += acked.all() - acked.below(one.next[producer])
		}
		for _, h := range one.holes {
			lost += acknowledged[h.producer].below(h.to) - acknowledged[h.producer].below(h.from)
		}
		v.Lost += lost
		if lost > 0 || one.reorder {
			short++
		}
	}
	v.Unacknowledged = max(v.Received-(v.Acknowledged-v.Lost), 0)
	return v, short
}

// numbers are those of a producer's records whose requests were answered with 2xx, as ranges in order.
type numbers []struct{ from, to int64 }

func (n *numbers) add(from, to int64) {
	if last := len(*n) - 1; last >= 0 && (*n)[last].to == from {
		(*n)[last].to = to
		return
	}
	*n = append(*n, struct{ from, to int64 }{from, to})
}

func (n numbers) all() int64 { return n.below(1 << 62) }

// below is how many are below a number.
func (n numbers) below(number int64) int64 {
	var sum int64
	for _, r := range n {
		sum += max(min(r.to, number)-r.from, 0)
	}
	return sum
}
