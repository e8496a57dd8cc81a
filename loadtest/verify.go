package loadtest

import (
	"sync"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// maxNumber bounds what a number that was garbled on its way may cost.
const maxNumber = 1 << 31

// What is known of a record.
const (
	acknowledged = 1 << iota
	received
)

// verifier keeps a byte for each record, and the last number of each producer in each partition: there, a producer's
// records come in the order in which it sent them, as it sends one request at a time. Any goroutine may call it.
type verifier struct {
	id   uint32
	size int64 // of a value

	mu      sync.Mutex
	seen    map[int][]byte // by producer
	last    map[[2]int]int64
	found   report.Verdict
	newest  int64 // when the last one arrived
	missing int64 // acknowledged and not yet received
}

func newVerifier(size int64) *verifier {
	return &verifier{id: uint32(drive.Clock()), size: size, seen: map[int][]byte{}, last: map[[2]int]int64{}}
}

// flags are what is known of a producer's record.
func (v *verifier) flags(producer int, number int64) *byte {
	list := v.seen[producer]
	for int64(len(list)) <= number {
		list = append(list, 0)
	}
	v.seen[producer] = list
	return &list[number]
}

// acknowledge takes n records that the server has accepted.
func (v *verifier) acknowledge(producer int, number int64, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range int64(n) {
		f := v.flags(producer, number+i)
		*f |= acknowledged
		v.found.Acknowledged++
		if *f&received == 0 {
			v.missing++
		}
	}
}

// arrive takes a record that a consumer has got.
func (v *verifier) arrive(partition int, s stamp, now int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.number >= maxNumber {
		v.found.Strangers++
		return
	}
	v.newest = now
	f := v.flags(s.producer, s.number)
	if *f&received != 0 {
		v.found.Doubled++
		return
	}
	*f |= received
	v.found.Received++
	if *f&acknowledged != 0 {
		v.missing--
	}
	key := [2]int{partition, s.producer}
	if last, known := v.last[key]; known && s.number < last {
		v.found.OutOfOrder++
		return
	}
	v.last[key] = s.number
}

// lastAt is when the last record came.
func (v *verifier) lastAt() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.newest
}

func (v *verifier) stranger() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found.Strangers++
}

func (v *verifier) verdict() report.Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.found
	found.Lost = v.missing
	for _, list := range v.seen {
		for _, f := range list {
			if f == received {
				found.Unacknowledged++
			}
		}
	}
	return found
}
