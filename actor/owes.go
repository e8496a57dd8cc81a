package actor

import (
	"fmt"

	"flashq/segment"
)

// Start-up reads, and serves what it has read, also where there is no room to write what goes with it: what was cut off
// a torn tail, a new leader epoch, indexes. That is written when there is room, and nothing is appended before.

// catchUp writes what start-up could not; false while there is no room. It is the one time that an owner syncs: once,
// small files, before it has anything else to do.
func (a *Actor) catchUp() bool {
	if !a.owes.Load() {
		return true
	}
	err := a.part.Settle()
	switch {
	case err == nil:
		a.owes.Store(false)
		a.logger.Info("there is room for what start-up had to write: appends go on", "partition", a.name)
		return true
	case !segment.MayRetry(err):
		a.fail(fmt.Errorf("partition %s: %w", a.name, err))
		return false
	}
	a.retries.Recoveries.Add(1)
	if segment.IsNoSpace(err) {
		a.full.Store(nowMillis())
	}
	if _, meta := a.compacted.(*metaOwner); meta && !a.part.Torn() {
		return true // deletions make room, and nobody has a position in it that a new epoch could tell from another
	}
	if a.shard != nil && a.part.OwesIndexes() {
		return true // of segments that are to go: compaction makes room
	}
	a.refuse(writeError(err))
	return false
}

// begin ends recovery: the boot is noted that this run belongs to, after every partition has its new epoch.
func (b *Broker) begin() error {
	if b.anyOwes() {
		b.owing.Store(true)
		return nil
	}
	err := b.folder.started()
	if segment.MayRetry(err) {
		b.config.Logger.Warn("no room for the broker's own notes: they are written when there is", "error", err)
		b.owing.Store(true)
		return nil
	}
	return err
}

// settle has everybody write what start-up could not, and then ends recovery as begin would have. Called now and then.
func (b *Broker) settle() {
	if !b.owing.Load() {
		return
	}
	b.everyLog(func(a *Actor) bool {
		if a.owes.Load() {
			a.ask(func() { a.catchUp() })
		}
		return !b.closing.Load()
	})
	if b.anyOwes() || b.closing.Load() {
		return
	}
	if b.folder.powerCut && b.Found().Failed > 0 { // as in recover
		b.owing.Store(false)
		return
	}
	if err := b.folder.started(); err == nil {
		b.owing.Store(false)
	}
}

func (b *Broker) anyOwes() (owes bool) {
	b.everyLog(func(a *Actor) bool {
		owes = a.owes.Load()
		return !owes
	})
	return owes
}

// everyLog visits the owners of all logs, the broker's own too, until visit says false.
func (b *Broker) everyLog(visit func(a *Actor) bool) {
	if !visit(b.meta) {
		return
	}
	more := true
	see := func(a *Actor) bool {
		more = visit(a)
		return more
	}
	if b.groups.each(see); more {
		b.each(func(_ *topic, a *Actor) bool { return see(a) })
	}
}
