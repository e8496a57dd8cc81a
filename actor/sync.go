package actor

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"flashq/segment"
)

// Fsync says when an append is made durable.
type Fsync int

const (
	// FsyncInterval syncs once an interval after a write; the default.
	FsyncInterval Fsync = iota
	// FsyncAlways answers an append only after the sync that covers it.
	FsyncAlways
	// FsyncNever leaves it to the kernel, but for requests that ask.
	FsyncNever
)

// sealState is how far the active segment is on its way to being sealed.
type sealState int

const (
	open    sealState = iota // takes appends
	wanted                   // to be sealed once the job that is out is back
	sealing                  // its seal job is out
)

// syncState is how far a log is on its way to being durable. It belongs to run.
type syncState struct {
	dirty       bool             // something was written since the last job began
	unsynced    int64            // how many bytes of records, about
	job         chan syncResult  // of the job that is out, capacity 1; nil while none is
	timer       *time.Timer      // the next sync under FsyncInterval; made for the first one
	due         <-chan time.Time // of timer, while it runs
	tries       int              // syncs one after the other that could not be tried
	sealing     sealState
	evict       bool // take the oldest segment away after the next roll
	snapshotDue bool // there was no room for one
}

// syncResult is a job's answer to the owner.
type syncResult struct {
	upTo int64 // below it everything is durable; -1 when nothing was synced
	seal bool
	err  error
}

// isFatal tells that the partition can't go on: a sync failed. One that could not be tried did not, and a segment that
// can't be sealed for want of room goes on as it is.
func (s syncResult) isFatal() bool {
	if s.err == nil || errors.Is(s.err, segment.ErrSync) {
		return s.err != nil
	}
	return !segment.IsUntried(s.err) && !(s.seal && segment.IsNoSpace(s.err))
}

// syncAhead is how much may be written under FsyncInterval before a sync begins early: what the last sync of a segment
// has left to do keeps appends waiting.
const syncAhead = 16 << 20

// scheduleSync sees to it that what was written gets its sync: at once where somebody waits or it is much, else within
// the interval.
func (a *Actor) scheduleSync() {
	switch {
	case len(a.parked) > 0, a.fsync == FsyncInterval && a.sync.unsynced >= syncAhead:
		a.startSync()
	case a.fsync == FsyncInterval && a.sync.due == nil && a.sync.job == nil && a.sync.dirty:
		a.armSync(a.interval)
	}
}

// armSync sets the timer for the next sync.
func (a *Actor) armSync(wait time.Duration) {
	if a.sync.timer == nil {
		a.sync.timer = time.NewTimer(wait)
	} else {
		a.sync.timer.Reset(wait)
	}
	a.sync.due = a.sync.timer.C
}

// startSync hands the file to the syncer. The owner never syncs: it goes on gathering, writing and answering.
func (a *Actor) startSync() {
	if a.sync.job != nil || !a.sync.dirty || a.failed != nil {
		return
	}
	a.sync.dirty, a.sync.unsynced = false, 0
	job := a.part.SyncJob()
	a.startJob(func() syncResult { return syncResult{upTo: job.UpTo, err: a.timed(job.Run)} })
}

// seal ends the active segment. It is durable before the next one is written to, so that a power cut can only tear the
// last segment; meanwhile appends wait in the mailbox.
func (a *Actor) seal() {
	if a.sync.job != nil {
		a.sync.sealing = wanted
		return
	}
	a.sync.sealing, a.sync.dirty, a.sync.unsynced = sealing, false, 0
	sync := a.fsync != FsyncNever || len(a.parked) > 0
	job, save := a.part.Seal(sync), a.nextSave()
	a.startJob(func() syncResult {
		result := syncResult{upTo: -1, seal: true, err: a.timed(job.Run)}
		if sync {
			result.upTo = job.UpTo
		}
		if save != nil {
			save.Collect()
			a.saves.job = save // of whoever settles this
		}
		return result
	})
}

// timed runs a job of the syncer and counts how long that took.
func (a *Actor) timed(job func() error) error {
	began := time.Now()
	err := job()
	if a.memory == nil {
		a.meter.Synced(time.Since(began))
	}
	return err
}

func (a *Actor) startJob(job func() syncResult) {
	a.sync.job = make(chan syncResult, 1)
	go a.runJob(job, a.sync.job)
}

// runJob is the syncer: one goroutine for one job. A panic in it is the job's error.
func (a *Actor) runJob(job func() syncResult, done chan<- syncResult) {
	result := syncResult{err: fmt.Errorf("partition %s: %w", a.name, errJob)}
	defer func() {
		if reason := recover(); reason != nil {
			result.err = fmt.Errorf("partition %s: panic in sync: %v", a.name, reason)
		}
		done <- result // capacity 1: never blocks
	}()
	result = job()
}

var errJob = errors.New("sync job did not finish")

// settle takes a job's answer: raises the high watermark, answers in offset order, pokes watchers, rolls.
func (a *Actor) settle(s syncResult) {
	a.sync.job = nil
	if errors.Is(s.err, segment.ErrCheckpoint) {
		a.renote(s.err)
		s.err = nil
	}
	if s.isFatal() {
		a.sync.sealing = open
		a.fail(fmt.Errorf("partition %s: %w", a.name, s.err))
		return
	}
	if s.err != nil {
		a.resync(s)
		return
	}
	a.sync.tries = 0
	a.answer(s.upTo)
	switch {
	case s.seal:
		a.roll()
	case a.sync.sealing == wanted:
		a.seal()
	default:
		a.scheduleSync()
	}
}

// resync goes on after a job that could not be carried out for now: nothing that it was to cover is durable.
func (a *Actor) resync(s syncResult) {
	a.sync.dirty = true
	switch {
	case s.seal:
		a.unseal(s.err)
	case a.sync.sealing == wanted:
		a.seal() // syncs the same
	default:
		a.part.Resync()
		a.retries.Syncs.Add(1)
		a.logger.Warn("sync is tried again", "partition", a.name, "error", s.err)
		a.armSync(backoff(a.sync.tries))
		a.sync.tries++
	}
}

// renote goes on after a seal whose checkpoint could not be written: that is a cache, and the next one has it all.
func (a *Actor) renote(err error) {
	a.retries.Checkpoints.Add(1)
	a.logger.Warn("checkpoint is written anew with the next segment", "partition", a.name, "error", err)
	a.part.Renote()
}

// answer tells those whose records are durable now.
func (a *Actor) answer(upTo int64) {
	if upTo < 0 {
		return
	}
	a.part.SetSynced(upTo)
	a.publish()
	a.trimCovered(upTo)
	n := 0
	for ; n < len(a.parked) && a.parked[n].end <= upTo; n++ {
		a.parked[n].reply <- nil
	}
	a.parked = slices.Delete(a.parked, 0, n)
	a.watches.passed(a.part.HighWatermark())
}

// roll begins the next segment, lets retention have the old ones and goes on with what waits.
func (a *Actor) roll() {
	if err := a.part.Roll(); err != nil {
		if segment.MayRetry(err) {
			a.unseal(err)
		} else {
			a.sync.sealing = open
			a.fail(fmt.Errorf("partition %s: roll: %w", a.name, err))
		}
		return
	}
	a.sync.sealing = open
	a.save()
	if a.sync.evict {
		a.sync.evict = false
		a.evictOldest()
	}
	a.writeSnapshot()
	a.expire()
	a.starts.flush()
	a.commit()
	a.scheduleSync()
}

// unseal gives the old segment back for want of room or of a descriptor: those who wait may try again.
func (a *Actor) unseal(err error) {
	a.part.Unseal()
	a.sync.sealing = open
	if a.goOn() {
		a.commit()
		a.scheduleSync()
		return
	}
	a.expiry.look.Store(moment().Steady + fullFor.Milliseconds())
	a.writeFailed(err)
	a.scheduleSync()
}

// settleLast is settle for the owner who is leaving: no roll, no new job.
func (a *Actor) settleLast(s syncResult) {
	a.sync.job = nil
	switch {
	case s.isFatal() && !errors.Is(s.err, segment.ErrCheckpoint):
		a.fail(fmt.Errorf("partition %s: %w", a.name, s.err))
	case s.err == nil:
		a.answer(s.upTo)
	}
}

// trims run beside the owner, one after the other: oldest first, so that a crash leaves no hole.
type trims struct {
	running sync.WaitGroup
	last    chan struct{} // closed when the last one that began is through; nil before the first
}

func (t *trims) start(trim func()) {
	before, done := t.last, make(chan struct{})
	t.last = done
	t.running.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		trim()
	})
}

func (t *trims) wait() { t.running.Wait() }
