package conn

import (
	"net"
	"sync/atomic"
	"time"
)

// mostRefusals is how many connections are told at a time that they are too many; others are closed without a word.
const mostRefusals = 16

// refusals are the connections of addresses that have too many.
type refusals struct {
	answer func() []byte // nil: they are not told
	told   chan struct{} // holds one for each that is being told
	logged rarely
}

func newRefusals(answer func() []byte) *refusals {
	return &refusals{answer: answer, told: make(chan struct{}, mostRefusals)}
}

// refuse ends a connection whose address has as many as it may.
func (l *lot) refuse(c net.Conn) {
	if l.full.logged.due() {
		l.log.Warn("an address has as many connections as it may", "address", c.RemoteAddr().String(),
			"open", l.shares.connections, "flag", "--max-connections-per-address")
	}
	select {
	case l.full.told <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	go func() {
		if l.full.answer != nil {
			answerUnread(c, l.full.answer())
		}
		_ = c.Close()
		<-l.full.told
	}()
}

// answerUnread answers what is not going to be read as a request. What the peer sends is taken first, for a moment: the
// answer would be lost to a reset.
func answerUnread(c net.Conn, p []byte) {
	const most, patience = 64 << 10, 50 * time.Millisecond
	if c.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	scratch := make([]byte, 4<<10)
	for left := most; left > 0; {
		n, err := c.Read(scratch)
		if left -= n; err != nil {
			break
		}
	}
	_ = c.SetDeadline(time.Now().Add(patience)) // a failure shows in writing
	_, _ = c.Write(p)                           // who does not take it has not lost much
}

// rarely lets a line into the log once a minute: who may cause one could fill the disk. The zero value is ready, and
// may be used by any number of goroutines.
type rarely struct{ last atomic.Int64 }

func (r *rarely) due() bool {
	now, last := time.Now().UnixNano(), r.last.Load()
	return (last == 0 || now-last >= int64(time.Minute)) && r.last.CompareAndSwap(last, now)
}
