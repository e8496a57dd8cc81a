package broker

import "sync/atomic"

// Waiter is one caller who waits on any number of partitions. The caller makes it, owns it and owns the only deadline;
// owners of partitions only poke Ready, without ever blocking.
type Waiter struct {
	Ready chan struct{} // capacity 1
	Gone  atomic.Bool   // set by the caller on leaving, before Topic.Leave
}

// Watch ties a Waiter to one partition.
type Watch struct {
	Waiter *Waiter
	From   int64       // wanted: a high watermark above this
	Fired  atomic.Bool // set by the owner when it poked and let go; the caller clears it before watching again
}

// GroupWatch ties a Waiter to a group. With a Member it keeps that member's lease until LeaveGroup.
type GroupWatch struct {
	Waiter        *Waiter
	Group, Member string // Member "": for those who read for the group without being one
	// Seen is what the caller knows of: Membership.Seen, or Group.Seen without a Member, 0 of a group that is not there.
	Seen  uint64
	Fired atomic.Bool // set by the owner when it poked and let go; the caller clears it before watching again
	Held  uint64      // owned by the engine
}
