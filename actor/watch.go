package actor

import (
	"sync/atomic"

	"flashq/broker"
)

// watch links a watch, or pokes its waiter at once when there is already more than it has seen. The comparison happens
// in the owner, so no wake-up is lost between the caller's snapshot and this message.
func (a *Actor) watch(w *broker.Watch) {
	if a.part.HighWatermark() > w.From {
		fire(w.Waiter, &w.Fired)
		return
	}
	a.watchers = append(a.watchers, w)
	a.watching.Store(int64(len(a.watchers)))
}

// watching is a watch on its way to the owner.
type watching broker.Watch

func (w *watching) serve(a *Actor) { a.watch((*broker.Watch)(w)) }

// fire pokes a waiter without ever blocking: one poke that waits is enough. fired is its watch's.
func fire(w *broker.Waiter, fired *atomic.Bool) {
	fired.Store(true)
	select {
	case w.Ready <- struct{}{}:
	default:
	}
}

// poke fires the watches that the high watermark has passed and unlinks them.
func (a *Actor) poke() {
	if len(a.watchers) == 0 {
		return
	}
	high := a.part.HighWatermark()
	a.unlink(func(w *broker.Watch) bool {
		if high > w.From {
			fire(w.Waiter, &w.Fired)
			return true
		}
		return false
	})
}

// pokeAll fires every watch: something other than new records has happened.
func (a *Actor) pokeAll() {
	a.unlink(func(w *broker.Watch) bool {
		fire(w.Waiter, &w.Fired)
		return true
	})
}

// sweep unlinks the watches that nobody waits for any more.
func (a *Actor) sweep() {
	a.sweeping.Store(false)
	a.unlink(func(w *broker.Watch) bool { return w.Waiter.Gone.Load() })
}

// unlink takes the watches out for which away says so.
func (a *Actor) unlink(away func(*broker.Watch) bool) {
	kept := a.watchers[:0]
	gone := int64(0)
	for _, w := range a.watchers {
		if away(w) {
			continue
		}
		if w.Waiter.Gone.Load() {
			gone++
		}
		kept = append(kept, w)
	}
	clear(a.watchers[len(kept):])
	a.watchers = kept
	if len(kept) == 0 && cap(a.watchers) > 1024 {
		a.watchers = nil
	}
	a.gone.Store(gone)
	a.watching.Store(int64(len(kept)))
}

// leave counts a watch that nobody waits for. Whoever takes the count over half of the list sends the one sweep.
func (a *Actor) leave(w *broker.Watch) {
	if w.Fired.Load() {
		return
	}
	if a.gone.Add(1)*2 <= a.watching.Load() || a.sweeping.Swap(true) {
		return
	}
	a.post(chore(a.sweep))
}

// link sends a watch to the owner; false when the owner has left.
func (a *Actor) link(w *broker.Watch) bool {
	if !a.post((*watching)(w)) {
		return false
	}
	select { // there may have been room in the channel, but nobody behind it
	case <-a.done:
		return false
	default:
		return true
	}
}

// pokeLate fires the watches that were on their way when the owner left: it runs once done is closed, so whoever sends
// one later sees that.
func (a *Actor) pokeLate() {
	for {
		select {
		case q := <-a.asks:
			if w, ok := q.(*watching); ok {
				fire(w.Waiter, &w.Fired)
			}
		default:
			return
		}
	}
}
