package poll

import (
	"time"

	"flashq/broker"
)

// mostIdle is how many pokes in a row may bring nothing before a partition is no longer watched in this wait: one that
// has failed pokes for ever.
const mostIdle = 64

// Poll is the wait of one caller, and belongs to its goroutine.
type Poll struct {
	waiter  broker.Waiter
	places  []Place   // never grows beyond its capacity: owners know the watches by address
	full    [][]Place // earlier ones, which are full
	dropped int       // places that were given up and are watched still
	first   [1]Place  // the usual wait is for one partition

	groups broker.Members
	group  *broker.GroupWatch // nil: none
}

// Place is a partition that is waited on.
type Place struct {
	topic     broker.Topic
	partition int
	watch     broker.Watch // of an owner too, unless it has fired; it may know it for longer than the wait lasts
	idle      int          // pokes in a row that brought nothing
	dropped   bool
}

// Until is what ends a wait beside news; nil never does.
type Until struct {
	Timeout <-chan time.Time
	Gone    <-chan struct{} // nobody waits for an answer any more
	Drain   <-chan struct{} // the server ends
	Revoked <-chan struct{} // who waits may not any more
}

// New gives a wait for about so many partitions. Leave has to end it.
func New(partitions int) *Poll {
	p := &Poll{waiter: broker.Waiter{Ready: make(chan struct{}, 1)}}
	if partitions <= len(p.first) {
		p.places = p.first[:0]
	} else {
		p.places = make([]Place, 0, partitions)
	}
	return p
}

// Watch waits for a high watermark above from. place is what an earlier call gave for the partition, nil at first; one
// that is watched and has not fired stays as it is.
func (p *Poll) Watch(place *Place, topic broker.Topic, partition int, from int64) (*Place, error) {
	if place == nil {
		place = p.place(topic, partition, from)
	}
	if !place.watch.Fired.Load() {
		return place, nil
	}
	if place.countIdle(from); place.idle > mostIdle {
		return place, nil
	}
	place.watch.From = from
	place.watch.Fired.Store(false)
	if err := topic.Watch(partition, &place.watch); err != nil {
		place.watch.Fired.Store(true) // no owner knows it
		return place, err
	}
	return place, nil
}

// place finds the partition among those that were dropped, or makes a place that counts as fired. If each partition
// that comes back were watched anew, its owner would know one watch more each time, for as long as the wait lasts.
func (p *Poll) place(topic broker.Topic, partition int, from int64) *Place {
	again := p.findDropped(func(place *Place) bool {
		return place.partition == partition && place.topic.Name() == topic.Name() && place.watch.From <= from &&
			!place.watch.Fired.Load()
	})
	if again != nil {
		return again
	}
	place := p.findDropped((*Place).News) // no owner knows it any more
	if place == nil {
		place = p.grow()
	}
	place.topic, place.partition, place.idle = topic, partition, 0
	place.watch.Waiter, place.watch.From = &p.waiter, -1
	place.watch.Fired.Store(true)
	return place
}

// findDropped takes one of the places that were dropped back, nil if none fits.
func (p *Poll) findDropped(fits func(*Place) bool) *Place {
	if p.dropped == 0 {
		return nil
	}
	for place := range p.all {
		if place.dropped && fits(place) {
			place.dropped = false
			p.dropped--
			return place
		}
	}
	return nil
}

func (p *Poll) grow() *Place {
	if len(p.places) == cap(p.places) {
		p.full = append(p.full, p.places)
		p.places = make([]Place, 0, 2*cap(p.places))
	}
	p.places = p.places[:len(p.places)+1]
	return &p.places[len(p.places)-1]
}

// Drop gives a place up. It stays watched, since an owner can't be asked to forget one watch of many, but is not read
// any more.
func (p *Poll) Drop(place *Place) {
	if place == nil || place.dropped {
		return
	}
	place.dropped = true
	p.dropped++
}

// all yields every place, in the order in which they were made.
func (p *Poll) all(yield func(*Place) bool) {
	for i := range len(p.full) + 1 {
		places := p.places
		if i < len(p.full) {
			places = p.full[i]
		}
		for j := range places {
			if !yield(&places[j]) {
				return
			}
		}
	}
}

// News tells whether there is something in the partition since it was watched; nil has none.
func (place *Place) News() bool { return place != nil && place.watch.Fired.Load() }

// countIdle judges what the last poke brought, when the place is to be watched again: from tells how far the caller
// got.
func (place *Place) countIdle(from int64) {
	if from > place.watch.From {
		place.idle = 0
	} else {
		place.idle++
	}
}

// WatchGroup waits for a change of the group, too; for a member of it, or for those who are none (""). seen is what the
// caller knows: see broker.GroupWatch. It is called again when GroupNews has told of one, and does nothing otherwise.
func (p *Poll) WatchGroup(groups broker.Members, group, member string, seen uint64) error {
	if p.group == nil {
		p.groups = groups
		p.group = &broker.GroupWatch{Waiter: &p.waiter, Group: group, Member: member}
	} else if !p.group.Fired.Load() {
		return nil
	}
	p.group.Fired.Store(false)
	p.group.Seen = seen
	return groups.WatchGroup(p.group)
}

// GroupNews tells whether something has changed in the group since it was watched.
func (p *Poll) GroupNews() bool { return p.group != nil && p.group.Fired.Load() }

// LeaveGroup ends the wait for the group's news, and with it the hold on a member's lease, until WatchGroup is called
// again.
func (p *Poll) LeaveGroup() {
	if p.group != nil {
		p.groups.LeaveGroup(p.group)
		p.group = nil
	}
}

// Park waits until something has news; false means that the wait is over instead.
func (p *Poll) Park(until Until) bool {
	select {
	case <-p.waiter.Ready:
		return true
	case <-until.Timeout:
	case <-until.Gone:
	case <-until.Drain:
	case <-until.Revoked:
	}
	return false
}

// Leave tells the owners of what is watched that nobody waits any more.
func (p *Poll) Leave() {
	p.waiter.Gone.Store(true)
	for place := range p.all {
		if !place.watch.Fired.Load() {
			place.topic.Leave(place.partition, &place.watch)
		}
	}
	p.LeaveGroup()
}
