package actor

import "time"

// govern is the registry's one goroutine: it has retention by age applied, and relieves memory when it is short.
func (b *Broker) govern() {
	ticker := time.NewTicker(b.config.RetentionCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.settle()
			b.expireAll()
			b.forgetAll()
		case <-b.squeeze:
			b.relieve()
		case <-b.stop:
			return
		}
	}
}

// expireAll has those partitions look at age for which it is due: asking all of many would cost more than it is worth.
func (b *Broker) expireAll() {
	now := moment().Steady
	b.each(func(_ *topic, a *Actor) bool {
		if min(a.expiry.look.Load(), a.expiry.cleanup.Load()) <= now {
			a.ask(a.expire)
		}
		return !b.closing.Load()
	})
	b.owners.starts.flush()
}

// squeezed tells the governor that memory is short, and what found no room; it never blocks. A need that is more than
// half of all memory would take too much from everybody else.
func (b *Broker) squeezed(need int64) {
	for old := b.spare.Load(); need > old && need <= b.memory.Limit()/2; old = b.spare.Load() {
		if b.spare.CompareAndSwap(old, need) {
			break
		}
	}
	select {
	case b.squeeze <- struct{}{}:
	default:
	}
}

// short tells whether less than 5 % of memory storage is left, or less than the largest need that found no room.
func (b *Broker) short() bool {
	m := b.memory
	return m.Limit() > 0 && m.Used() > m.LogLimit()-max(m.Limit()/20, b.spare.Load())
}

// relieve asks the largest partition for its oldest segment, until memory is not short or nobody has anything to give.
func (b *Broker) relieve() {
	for b.memory != nil && b.short() && !b.closing.Load() {
		var largest *Actor
		b.each(func(_ *topic, a *Actor) bool {
			if largest == nil || a.bytes.Load() > largest.bytes.Load() {
				largest = a
			}
			return true
		})
		if largest == nil || largest.bytes.Load() == 0 {
			return
		}
		gave := false
		if !largest.ask(func() { gave = largest.giveUp() }) || !gave {
			return // its roll is under way, or it has left: the next append will tell again
		}
	}
}

// giveUp evicts the oldest segment, or seals the only one so that it can go; false when nothing went yet.
func (a *Actor) giveUp() bool {
	if a.evictOldest() {
		return true
	}
	if !a.part.ActiveEmpty() && a.failed == nil {
		a.sync.evict = true
		if a.sync.sealing == open {
			a.seal()
		}
	}
	return false
}
