package loadtest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// stamp is what a record of e2e begins with.
type stamp struct {
	run      uint32 // whose record it is: a topic may hold others
	producer int
	number   int64 // of the producer's records
	meant    int64 // when it was to be sent, by this process's clock
}

// stampSize is a stamp's text: four numbers of fixed width, with a blank behind each.
const stampSize = 11 + 6 + 13 + 20

func putStamp(to []byte, s stamp) {
	at := 0
	for _, f := range []struct {
		value int64
		width int
	}{{int64(s.run), 10}, {int64(s.producer), 5}, {s.number, 12}, {s.meant, 19}} {
		v := f.value
		for i := at + f.width - 1; i >= at; i-- {
			to[i] = byte('0' + v%10)
			v /= 10
		}
		at += f.width
		to[at] = ' '
		at++
	}
}

func readStamp(value string) (stamp, bool) {
	if len(value) < stampSize {
		return stamp{}, false
	}
	fields := strings.Fields(value[:stampSize])
	if len(fields) != 4 {
		return stamp{}, false
	}
	var n [4]int64
	for i, f := range fields {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return stamp{}, false
		}
		n[i] = v
	}
	return stamp{uint32(n[0]), int(n[1]), n[2], n[3]}, true
}

// Verdict is what e2e found about the records; all but the first two should be zero.
type Verdict struct {
	Acknowledged int64 `json:"acknowledged"`
	Received     int64 `json:"received"` // once each
	Lost         int64 `json:"lost"`     // acknowledged and not received
	Doubled      int64 `json:"doubled"`  // received again
	OutOfOrder   int64 `json:"out_of_order"`
	// Unacknowledged ones came although their request had no answer, or another one: that is allowed.
	Unacknowledged int64 `json:"received_unacknowledged"`
	Strangers      int64 `json:"strangers"` // records of others
}

// faulty tells whether the server broke what it promises.
func (v Verdict) faulty() bool { return v.Lost > 0 || v.Doubled > 0 || v.OutOfOrder > 0 }

func (v Verdict) String() string {
	return fmt.Sprintf("acknowledged %d, received %d, lost %d, doubled %d, out of order %d", v.Acknowledged, v.Received,
		v.Lost, v.Doubled, v.OutOfOrder)
}

// add sums verdicts up.
func (v Verdict) add(o Verdict) Verdict {
	return Verdict{v.Acknowledged + o.Acknowledged, v.Received + o.Received, v.Lost + o.Lost, v.Doubled + o.Doubled,
		v.OutOfOrder + o.OutOfOrder, v.Unacknowledged + o.Unacknowledged, v.Strangers + o.Strangers}
}

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
	found   Verdict
	newest  int64 // when the last one arrived
	missing int64 // acknowledged and not yet received
}

func newVerifier(size int64) *verifier {
	return &verifier{id: uint32(clock()), size: size, seen: map[int][]byte{}, last: map[[2]int]int64{}}
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

func (v *verifier) verdict() Verdict {
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
