package http

import (
	"slices"

	"flashq/broker"
)

// joinParty readies what a fetch for a group waits with beside its partitions; nil for any other.
func (f *fetching) joinParty(w *broker.Waiter) *broker.GroupWatch {
	if f.query.group == "" {
		return nil
	}
	party := &broker.GroupWatch{Waiter: w, Group: f.query.group, Member: f.query.member}
	party.Fired.Store(true) // it is not watched yet
	return party
}

// hear asks the group again when something has changed in it: that is a member's call, in which it gives up what it is
// not to have any more. over tells that the wait ends instead: what was read already is answered as it was read, and
// the next call gives up.
func (f *fetching) hear(party *broker.GroupWatch) (over bool, err error) {
	if party == nil || !party.Fired.Load() {
		return false, nil
	}
	if f.count > 0 {
		return true, nil
	}
	before := f.committed
	if f.query.member == "" {
		err = f.readGroup()
	} else {
		err = f.stay()
	}
	if err != nil {
		return true, err
	}
	f.reopen(before)
	return false, nil
}

// stay is the call of a member that waits.
func (f *fetching) stay() error {
	topic, err := f.s.topic(f.topic.Name()) // nothing tells a member without partitions that it went
	if err != nil {
		return err
	}
	if len(f.cursors) == 0 {
		f.topic = topic // maybe another one of the name
	}
	return f.join(broker.MemberCall{
		Group: f.query.group, Member: f.query.member, Add: true, Held: true, Topic: f.topic.Name(),
	})
}

// reopen makes the cursors anew. One whose partition and commit are as before goes on where it is, since a fetch that
// began at the end must miss nothing; so does one that began elsewhere than at the commit.
func (f *fetching) reopen(before []mark) {
	old := f.cursors
	f.cursors = make([]cursor, 0, len(f.assigned))
	f.open()
	for i := range f.cursors {
		c := &f.cursors[i]
		at := slices.IndexFunc(old, func(o cursor) bool { return o.partition == c.partition })
		if at < 0 {
			continue
		}
		was, had := findMark(before, c.partition)
		is, has := findMark(f.committed, c.partition)
		if f.query.selector != "" || was == is && had == has {
			*c = old[at]
			old[at].watch = nil
		}
	}
	unwatched := func(c cursor) bool { return c.watch == nil || c.watch.Fired.Load() }
	f.shed = slices.DeleteFunc(append(f.shed, old...), unwatched)
}

// takeBack gives a partition that is read anew the watch that it had before: else each change of the group would leave
// one more with the owner, for as long as the wait lasts.
func (f *fetching) takeBack(c *cursor) bool {
	at := slices.IndexFunc(f.shed, func(o cursor) bool {
		return o.partition == c.partition && o.watch.From <= max(c.high, c.next) && !o.watch.Fired.Load()
	})
	if at < 0 {
		return false
	}
	c.watch = f.shed[at].watch
	f.shed = slices.Delete(f.shed, at, at+1)
	return true
}
