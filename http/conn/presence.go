package conn

import (
	"net"
	"time"
)

const (
	// lookEvery is how often it is looked whether the client is still there while its answer is worked out. What takes
	// less is answered to one who has closed its sending half already, as nc -N does.
	lookEvery = 50 * time.Millisecond
	// itemsPerClock is how many items are worked out before the clock is read.
	itemsPerClock = 16
)

// Presence tells whether the client of a request is still there while a long answer is worked out, item by item: work
// stops when nobody waits for it. The zero value is ready; it serves one request, and belongs to its goroutine.
type Presence struct {
	items int
	due   time.Time // for the next look
	left  bool
}

// Left is called before each item, with the request's connection. Where there is no socket nobody ever leaves.
func (p *Presence) Left(c net.Conn) bool {
	if p.items++; p.left || p.items < itemsPerClock {
		return p.left
	}
	p.items = 0
	now := time.Now()
	if first := p.due.IsZero(); !first && now.Before(p.due) {
		return false
	} else if p.due = now.Add(lookEvery); first {
		return false
	}
	if socket, ok := socketOf(c); ok {
		closed := []bool{false}
		p.left = hungUp([]uintptr{socket}, closed) && closed[0]
	}
	return p.left
}
