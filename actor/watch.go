package actor

import (
	"sync/atomic"

	"flashq/broker"
)

// watchList is who waits for a partition's high watermark. Waits that were given up are only counted, until they are
// worth a sweep.
type watchList struct {
	list []*broker.Watch // owned by run

	// atomic
	length   atomic.Int64 // of list
	gone     atomic.Int64 // how many of them nobody waits for any more
	sweeping atomic.Bool  // a sweep is on its way
}

// watching is a watch on its way to the owner.
type watching broker.Watch

func (w *watching) serve(a *Actor) { a.watches.link((*broker.Watch)(w), a.part.HighWatermark()) }

// link takes a watch in, or pokes its waiter at once when there is already more than it has seen. The owner compares,
// so no wake-up is lost between the caller's snapshot and this message.
func (l *watchList) link(w *broker.Watch, high int64) {
	if high > w.From {
		fire(w.Waiter, &w.Fired)
		return
	}
	l.list = append(l.list, w)
	l.length.Store(int64(len(l.list)))
}

// fire pokes a waiter without ever blocking: one poke that waits is enough. fired is its watch's.
func fire(w *broker.Waiter, fired *atomic.Bool) {
	fired.Store(true)
	select {
	case w.Ready <- struct{}{}:
	default:
	}
}

// passed fires the watches that the high watermark has passed and unlinks them.
func (l *watchList) passed(high int64) {
	if len(l.list) == 0 {
		return
	}
	l.unlink(func(w *broker.Watch) bool {
		if high > w.From {
			fire(w.Waiter, &w.Fired)
			return true
		}
		return false
	})
}

// fireAll fires every watch: something other than new records has happened.
func (l *watchList) fireAll() {
	l.unlink(func(w *broker.Watch) bool {
		fire(w.Waiter, &w.Fired)
		return true
	})
}

// sweep unlinks the watches that nobody waits for any more.
func (l *watchList) sweep() {
	l.sweeping.Store(false)
	l.unlink(func(w *broker.Watch) bool { return w.Waiter.Gone.Load() })
}

// unlink takes the watches out for which away says so.
func (l *watchList) unlink(away func(*broker.Watch) bool) {
	kept := l.list[:0]
	gone := int64(0)
	for _, w := range l.list {
		if away(w) {
			continue
		}
		if w.Waiter.Gone.Load() {
			gone++
		}
		kept = append(kept, w)
	}
	clear(l.list[len(kept):])
	l.list = kept
	if len(kept) == 0 && cap(l.list) > 1024 {
		l.list = nil
	}
	l.gone.Store(gone)
	l.length.Store(int64(len(kept)))
}

// isSweepDue counts a watch that nobody waits for. Whoever takes the count over half of the list sends the one sweep.
// Any goroutine may call it.
func (l *watchList) isSweepDue() bool {
	return l.gone.Add(1)*2 > l.length.Load() && !l.sweeping.Swap(true)
}

// watch sends a watch to the owner; false when the owner has left.
func (a *Actor) watch(w *broker.Watch) bool {
	if !a.post((*watching)(w)) {
		return false
	}
	select { // there may have been room in the channel, but nobody to read from it
	case <-a.done:
		return false
	default:
		return true
	}
}

// unwatch tells that nobody waits for a watch any more.
func (a *Actor) unwatch(w *broker.Watch) {
	if !w.Fired.Load() && a.watches.isSweepDue() {
		a.post(chore(a.watches.sweep))
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
