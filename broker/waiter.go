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
