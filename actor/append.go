package actor

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"flashq/broker"
	"flashq/group"
	"flashq/segment"
)

// request is one part on its way to the owner. It returns to the pool only after its reply was received: a stale reply
// would answer a stranger.
type request struct {
	part  *broker.Part
	sync  bool
	reply chan error // capacity 1

	// change makes the part's batch, or says that nothing is to be written (nil): for a shard of groups, whose batches
	// depend on what was written before them. The owner calls it once, in the request's turn.
	change func(*group.Shard) (group.Change, error)
	made   broker.Part // what change made
	apply  func()      // what is to be done when that is written
	plain  bool        // where change makes nothing, its answer waits for nobody's sync
}

// newRequests makes the pool that one engine's callers share.
func newRequests() *sync.Pool {
	return &sync.Pool{New: func() any { return &request{reply: make(chan error, 1)} }}
}

// send puts a part into the mailbox; nil when the owner has left.
func (a *Actor) send(part *broker.Part, sync bool) *request {
	r := a.requests.Get().(*request) //nolint:forcetypeassert // the pool makes nothing else
	r.part, r.sync, r.change, r.plain = part, sync, nil, false
	return a.push(r)
}

func (a *Actor) push(r *request) *request {
	select { // nearly always there is room, and a send alone costs a third of a select; wait looks at done
	case a.appends <- r:
		return r
	default:
	}
	select {
	case a.appends <- r:
		return r
	case <-a.done:
		a.requests.Put(r) // it was never sent
		return nil
	}
}

// wait gives the answer to a request; errLeft when the owner left without one.
func (a *Actor) wait(r *request) error {
	select {
	case err := <-r.reply:
		r.part, r.change, r.made, r.apply = nil, nil, broker.Part{}, nil
		a.requests.Put(r)
		return err
	case <-a.done:
		select { // the answer may have come just before the loop left
		case err := <-r.reply:
			return err
		default:
			return errLeft
		}
	}
}

// errLeft is returned when the owner ended before it answered; the topic says why.
var errLeft = errors.New("owner has left")

// gather takes what already waits, up to the byte budget, and never sleeps: while one batch syncs, the next queues. The
// budget is soft: the last append may overshoot it.
func (a *Actor) gather(r *request) {
	a.queue = append(a.queue, r)
	size := r.size()
	if size >= a.batchBytes {
		return
	}
	runtime.Gosched() // lets callers that are about to send do so: batches form without a timer
	for size < a.batchBytes {
		select {
		case r := <-a.appends:
			a.queue = append(a.queue, r)
			size += r.size()
		default:
			return
		}
	}
}

// size is what a request counts for in the byte budget; what its change will make is not known yet.
func (r *request) size() int {
	if r.part == nil {
		return 0
	}
	return len(r.part.Batch)
}

// commit writes what is gathered, as far as the active segment takes it, and seals that when it takes no more.
func (a *Actor) commit() {
	if a.failed != nil {
		a.refuse(broker.ErrStorage)
		return
	}
	for len(a.queue) > 0 && a.sealing == open {
		if !a.form() {
			continue
		}
		n := a.part.Fit(a.group)
		if n == 0 {
			a.seal()
			return
		}
		if err := a.write(a.group[:n]); err != nil {
			a.writeFailed(err)
			return
		}
		a.written(n)
	}
	clear(a.group)
}

// form fills a.group with what can be written together: all that is gathered, or in a shard the one next change. false
// means that the first of the queue was answered and nothing is to be written for it.
func (a *Actor) form() bool {
	a.group = a.group[:0]
	if a.shard != nil {
		if !a.makeChange(a.queue[0]) {
			a.pop(1)
			return false
		}
		a.group = append(a.group, a.queue[0].part)
		return true
	}
	for _, r := range a.queue {
		a.group = append(a.group, r.part)
	}
	return true
}

// pop takes the first n off the queue.
func (a *Actor) pop(n int) {
	rest := copy(a.queue, a.queue[n:])
	clear(a.queue[rest:])
	a.queue = a.queue[:rest]
}

// write appends one group; memory that is full gives up its oldest segment first.
func (a *Actor) write(group []*broker.Part) error {
	for {
		err := a.part.Append(time.Now().UnixMilli(), group)
		if err == nil || !errors.Is(err, segment.ErrMemoryFull) || !a.evictOldest() {
			return err
		}
	}
}

// writeFailed answers the queue: with "try again" when only room is wanting, else the partition is done for.
func (a *Actor) writeFailed(err error) {
	switch {
	case errors.Is(err, segment.ErrMemoryFull):
		if len(a.queue) > 0 { // else nobody asked: trying again and again is for those who do
			a.pressure(a.needed())
		}
		a.refuse(broker.ErrOverloaded)
	case segment.IsNoSpace(err) && !errors.Is(err, segment.ErrNotCut):
		a.logger.Warn("no room to write", "partition", a.name, "error", err)
		a.full.Store(nowMillis())
		a.refuse(broker.ErrDiskFull)
	default:
		a.fail(err)
	}
}

// needed is how much memory the largest request of the queue takes.
func (a *Actor) needed() (n int64) {
	for _, r := range a.queue {
		if r.part != nil { // else its change is not made yet
			n = max(n, int64(cap(r.part.Batch)))
		}
	}
	return n
}

// written answers the first n of the queue, or parks them until their sync.
func (a *Actor) written(n int) {
	a.learn(a.queue[:n]) // before anybody is told
	for _, r := range a.queue[:n] {
		a.unsynced += int64(r.size())
		if r.sync || a.fsync == FsyncAlways {
			a.parked = append(a.parked, r)
			continue
		}
		r.reply <- nil
	}
	a.pop(n)
	a.dirty = true
	a.full.Store(0)
	a.bytes.Store(a.part.Bytes())
	if a.fsync != FsyncAlways {
		a.poke() // else the sync raises the high watermark
	}
	if a.memory != nil && a.short() {
		a.pressure(0)
	}
	a.scheduleSync()
}

// evictOldest takes the oldest sealed segment away; false when there is none to take.
func (a *Actor) evictOldest() bool {
	if a.keep {
		return false
	}
	job, ok := a.part.Evict()
	if ok {
		a.trim(job)
		a.trims.Wait() // memory: the files are gone at once
	}
	return ok
}
