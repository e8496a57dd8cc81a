package actor

import (
	"errors"
	"runtime"
	"slices"
	"sync"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
)

// request is one part on its way to the owner. It returns to the pool only after its reply was received: a stale reply
// would answer a stranger.
type request struct {
	part     *broker.Part // nil until a proposal is planned
	sync     bool
	end      int64      // where it is parked: up to where the log has to be durable
	reply    chan error // capacity 1
	proposal *proposal  // for a shard of groups, else nil
}

// newRequests makes the pool that one engine's callers share.
func newRequests() *sync.Pool {
	return &sync.Pool{New: func() any { return &request{reply: make(chan error, 1)} }}
}

// send puts a part into the mailbox; nil when the owner has left.
func (a *Actor) send(part *broker.Part, sync bool) *request {
	r := a.requests.Get().(*request) //nolint:forcetypeassert // the pool makes nothing else
	r.part, r.sync = part, sync
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
		a.recycle(r) // it was never sent
		return nil
	}
}

func (a *Actor) recycle(r *request) {
	r.part, r.sync, r.proposal = nil, false, nil
	a.requests.Put(r)
}

// wait gives the answer to a request; errLeft when the owner left without one.
func (a *Actor) wait(r *request) error {
	err, ok := await(r.reply, a.done)
	if !ok {
		return errLeft
	}
	a.recycle(r)
	return err
}

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

// size is what a request counts for in the byte budget; what a proposal will write is not known yet.
func (r *request) size() int {
	if r.part == nil {
		return 0
	}
	return partition.Size(r.part)
}

// commit writes what is gathered, as far as the active segment takes it, and seals that when it takes no more.
func (a *Actor) commit() {
	if a.failed != nil {
		a.refuse(broker.ErrStorage)
		return
	}
	if !a.catchUp() {
		return
	}
	for len(a.queue) > 0 && a.sync.sealing == open {
		if !a.form() {
			continue
		}
		n := a.part.Fit(a.parts)
		if n == 0 {
			a.seal()
			return
		}
		if err := a.write(a.parts[:n]); err != nil {
			a.writeFailed(err)
			return
		}
		a.written(n)
	}
	clear(a.parts)
}

// form fills a.parts with what can be written together: all that is gathered, or in a shard the next proposal alone;
// false when the first of the queue was answered and nothing is to be written for it.
func (a *Actor) form() bool {
	a.parts = a.parts[:0]
	if a.shard != nil {
		if !a.planFirst() {
			a.pop(1)
			return false
		}
		a.parts = append(a.parts, a.queue[0].part)
		return true
	}
	for _, r := range a.queue {
		a.parts = append(a.parts, r.part)
	}
	return true
}

// pop takes the first n off the queue.
func (a *Actor) pop(n int) { a.queue = slices.Delete(a.queue, 0, n) }

// write appends one group; memory that is full gives up its oldest segment first.
func (a *Actor) write(parts []*broker.Part) error {
	for {
		err := a.part.Append(moment(), parts)
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
	case segment.IsUntried(err):
		a.logger.Warn("no descriptor to go on writing with", "partition", a.name, "error", err)
		a.refuse(broker.ErrTooManyOpenFiles)
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
		if r.part != nil { // else it is not planned yet
			n = max(n, memoryOf(r.part))
		}
	}
	return n
}

// written answers the first n of the queue, or parks them until their sync.
func (a *Actor) written(n int) {
	if bytes := a.part.Bytes(); bytes != a.bytes.Load() {
		a.bytes.Store(bytes)
		a.full.Store(0)
	}
	a.publish() // before anybody is told
	frees, bytes := false, 0
	a.noteSaved(a.part.Unnoted())
	if a.compacted != nil {
		a.compacted.written(a.queue[:n]) // before anybody is told
		frees = a.shard != nil && a.queue[0].proposal.frees
	}
	for i, r := range a.queue[:n] {
		if err := a.part.Refused(i); err != nil {
			r.reply <- err
			continue
		}
		a.sync.unsynced += int64(r.size())
		if !r.part.Duplicate {
			bytes += r.size()
		}
		if r.sync || a.fsync == FsyncAlways {
			a.park(r, partition.End(r.part))
			continue
		}
		r.reply <- nil
	}
	if a.pop(n); a.compacted == nil {
		a.meter.Appended(bytes)
	}
	a.sync.dirty = true
	a.expiry.lookBy(a.part.NextLook())
	if a.fsync != FsyncAlways {
		a.watches.passed(a.part.HighWatermark()) // else the sync raises the high watermark
	}
	if a.memory != nil && a.short() {
		a.pressure(0)
	}
	a.scheduleSync()
	a.keepRoom()
	if frees && a.scarce() {
		a.compact()
	}
}

// park has a request answered when the log is durable up to end: that of a duplicate may be so already.
func (a *Actor) park(r *request, end int64) {
	if end <= a.part.Synced() {
		r.reply <- nil
		return
	}
	r.end = end
	a.parked = append(a.parked, r)
}

// evictOldest takes the oldest sealed segment away; false when there is none to take.
func (a *Actor) evictOldest() bool {
	if a.memory == nil || internal(a.name) {
		return false
	}
	job, ok := a.part.Evict()
	if ok {
		a.trim(job)
		a.trims.wait() // memory: the files are gone at once
	}
	return ok
}
