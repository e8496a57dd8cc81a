package actor

import (
	"math"
	"sync/atomic"

	"flashq/segment"
)

// expiry is how far an owner is with what retention takes. Moments are the steady clock's.
type expiry struct {
	// owned by run
	leaving int64 // the log start that is about to be stored; 0: none
	retry   int64 // until when none is, since one could not be

	// atomic
	look    atomic.Int64 // when age gives expire something to do
	cleanup atomic.Int64 // when to remove again what could not be removed; math.MaxInt64: never
}

// begin has the first look come at once.
func (e *expiry) begin() {
	e.retry = math.MinInt64
	e.look.Store(math.MinInt64)
	e.cleanup.Store(math.MaxInt64)
}

// lookBy sees to it that expire comes at a moment or before.
func (e *expiry) lookBy(steady int64) {
	if steady < e.look.Load() {
		e.look.Store(steady)
	}
}

// In milliseconds.
const (
	lookAgain  = 500  // when expire looks again at what could not be done at once
	retryAfter = 5000 // when it tries again what failed
)

// expire lets retention take what it may, and seals a segment that is to go soon. Called at each roll, and when a look
// is due; logStarts.flush comes after it.
func (a *Actor) expire() {
	now := moment()
	if now.Steady >= a.expiry.cleanup.Load() {
		a.expiry.cleanup.Store(math.MaxInt64)
		a.trim(a.part.Cleanup())
	}
	if now.Steady >= a.expiry.retry {
		a.letGo(a.part.Expired(now))
	}
	if a.sync.sealing == open && a.failed == nil && a.part.RollDue(now) && a.catchUp() {
		a.seal() // comes back here after the roll
	}
	a.expiry.look.Store(max(a.part.NextLook(), now.Steady+lookAgain))
	if a.expiry.retry > now.Steady {
		a.expiry.lookBy(a.expiry.retry)
	}
}

// letGo takes what stands before an offset away. Files that a crash could bring back go only after the new start of
// their partition is stored.
func (a *Actor) letGo(before int64) {
	switch {
	case before <= max(a.part.Start(), a.expiry.leaving):
	case a.starts == nil:
		a.trim(a.part.TrimBefore(before))
	default:
		a.expiry.leaving = before
		a.starts.move(a.name, before, func(err error) { a.post(chore(func() { a.startStored(before, err) })) })
	}
}

// startStored goes on where letGo had to wait.
func (a *Actor) startStored(before int64, err error) {
	if a.expiry.leaving == before {
		a.expiry.leaving = 0
	}
	switch {
	case err == nil:
		a.trim(a.part.TrimBefore(before))
	case segment.IsNoSpace(err):
		a.makeRoom(before)
	default:
		a.expireLater(err)
	}
}

// expireLater has retention try again.
func (a *Actor) expireLater(err error) {
	a.logger.Warn("retention waits", "partition", a.name, "error", err)
	a.expiry.retry = moment().Steady + retryAfter
	a.expiry.lookBy(a.expiry.retry)
}

// makeRoom takes away what stands before an offset where not even the new start can be stored. Then the files go first
// and are let go of when they are gone: readers may find them gone for a moment, but a crash brings nothing back.
func (a *Actor) makeRoom(before int64) {
	jobs := a.part.Removals(before)
	a.trims.start(func() {
		gone, err := int64(0), error(nil)
		for _, job := range jobs {
			if err = job.Run(); err != nil {
				break
			}
			gone = job.Below()
		}
		go a.post(chore(func() { // the owner may be waiting for this very trim
			a.trim(a.part.TrimBefore(gone))
			if err != nil {
				a.expireLater(err)
			}
		}))
	})
}

// trim removes files that the owner has let go of.
func (a *Actor) trim(job segment.TrimJob) {
	if job.Empty() {
		return
	}
	a.bytes.Store(a.part.Bytes())
	a.watches.fireAll()
	a.trims.start(func() {
		if err := job.Run(); err != nil {
			a.retries.Removals.Add(1)
			a.logger.Warn("old segments stay on disk", "partition", a.name, "error", err)
			a.expiry.cleanup.Store(moment().Steady + retryAfter)
			return
		}
		a.starts.removed(a.name, job.Below())
		if a.shard != nil {
			go a.post(chore(a.keepRoom)) // there may be room by now; the owner may be waiting for this very trim
		}
	})
}
