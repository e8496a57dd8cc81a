package actor

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"flashq/broker"
	"flashq/metrics"
	"flashq/partition"
	"flashq/segment"
)

// Actor is the owner of one log: a topic's partition, or a shard of groups. Everybody else sends to its channels.
type Actor struct {
	*shared
	name string // topic-partition; set before run

	appends chan *request // bounded: a full mailbox is the backpressure
	asks    chan ask
	done    chan struct{} // closed when run has left
	once    sync.Once

	// owned by run
	part      *partition.Partition
	shard     *shardOwner    // nil in a topic's partition
	compacted snapshots      // nil in a topic's partition
	queue     []*request     // gathered and not written yet
	parts     []*broker.Part // scratch for commit
	parked    []*request     // written, each waits for the sync that covers it, in offset order
	sync      syncState
	saves     saves
	trims     trims
	expiry    expiry
	stopping  bool  // to leave now
	failed    error // sticky

	// set by run before done is closed
	exit error

	watches watchList // owned by run, but for its counts

	condition
}

// condition is what others may know of an owner without asking it. All atomic, set by run.
type condition struct {
	broken atomic.Bool  // failed is set: refuse before anything is written elsewhere
	full   atomic.Int64 // when a write last found no room, milliseconds; 0 after one that went through
	bytes  atomic.Int64 // size of the log, for the governor
	start  atomic.Int64 // where the log begins, and high where readers see it end: as of the owner's last turn
	high   atomic.Int64
	owes   atomic.Bool // start-up found no room for something: catchUp comes before any append
}

// shared is what all owners of one engine have in common; it is set before the first one runs and never changes.
type shared struct {
	batchBytes int
	fsync      Fsync
	interval   time.Duration
	logger     *slog.Logger
	memory     *segment.Memory  // nil on files
	pressure   func(need int64) // tells the governor that memory is short, or that so much found no room
	short      func() bool      // tells whether memory is short
	scarce     func() bool      // tells whether the disk is full, or nearly
	requests   *sync.Pool
	starts     *logStarts    // nil in memory storage
	logs       *atomic.Int64 // that have an owner
	retries    *Retries
	meter      *metrics.Engine
	unreadable *unreadables
}

// mailbox is how many appends may wait in the channel, questions how many asks.
const (
	mailbox   = 64
	questions = 4
)

// ask is what else somebody wants of the owner in its turn: a view, a watch, or something rarer.
type ask interface{ serve(a *Actor) }

// chore is rare, so a closure will do: stats, retention, the end.
type chore func()

func (c chore) serve(*Actor) { c() }

// start starts the owner of a log; shard is nil for a topic's partition, else it has been read from p.
func start(s *shared, name string, p *partition.Partition, shard *shardOwner) *Actor {
	a := prepare(s, name, p)
	if shard != nil {
		a.shard, a.compacted = shard, shard
	}
	go a.run()
	return a
}

// startCatalog starts the owner of the metadata log.
func startCatalog(s *shared, p *partition.Partition, m *metaOwner) *Actor {
	a := prepare(s, partitionDir(metaTopic, 0), p)
	a.compacted = m
	go a.run()
	return a
}

// prepare makes an owner that does not run yet.
func prepare(s *shared, name string, p *partition.Partition) *Actor {
	a := &Actor{
		shared:  s,
		name:    name,
		part:    p,
		appends: make(chan *request, mailbox),
		asks:    make(chan ask, questions),
		done:    make(chan struct{}),
	}
	a.bytes.Store(p.Stats().Bytes)
	a.publish()
	a.owes.Store(p.Owes())
	a.expiry.begin()
	s.logs.Add(1)
	return a
}

// run waits on few channels: each one that a parked goroutine waits on holds memory, and most partitions are idle.
func (a *Actor) run() {
	defer a.logs.Add(-1)
	defer a.pokeLate()
	defer close(a.done) // releases whoever still waits
	defer a.catch()
	for !a.stopping {
		select {
		case r := <-a.inbox():
			a.gather(r)
			a.commit()
		case q := <-a.asks:
			q.serve(a)
		case s := <-a.sync.job: // the syncer got as far as s.upTo, or failed
			a.settle(s)
		case <-a.sync.due:
			a.sync.due = nil
			a.startSync()
		case <-a.shard.timesUp():
			a.timeUp()
		}
		a.publish()
	}
	a.exit = a.drain() // what still queues was promised nothing: done answers it
}

// startDead stands for a partition that could not be opened: everything that it is asked fails.
func startDead(s *shared, name string, err error) *Actor {
	a := &Actor{shared: s, name: name, done: make(chan struct{}), exit: err}
	a.broken.Store(true)
	close(a.done)
	return a
}

// inbox is closed to appends while a segment is sealed; reads, watches and the rest go on.
func (a *Actor) inbox() chan *request {
	if a.sync.sealing != open {
		return nil
	}
	return a.appends
}

// catch ends this partition, and only it, when its owner panics. Whoever waits learns it from done.
func (a *Actor) catch() {
	reason := recover()
	if reason == nil {
		return
	}
	a.logger.Error("partition is down", "partition", a.name, "panic", reason, "stack", string(debug.Stack()))
	a.exit = fmt.Errorf("%w: partition %s: panic: %v", broker.ErrStorage, a.name, reason)
	a.broken.Store(true)
	_ = a.part.Close(true) // the panic is the error to tell
	a.wakeAll()
	// Who waits for an answer learns from done that none will come: which of them had one already is not known here.
}

// fail makes every append from now on fail, and answers those under way.
func (a *Actor) fail(err error) {
	if a.failed == nil {
		a.failed = err
		a.broken.Store(true)
		a.logger.Error("partition takes no more writes until the broker starts again", "partition", a.name, "error", err)
	}
	a.refuse(broker.ErrStorage)
	for _, r := range a.parked {
		r.reply <- broker.ErrStorage
	}
	a.parked = nil
	a.wakeAll()
}

// wakeAll wakes whoever waits for this log or its groups: there is nothing more to wait for.
func (a *Actor) wakeAll() {
	a.watches.fireAll()
	if a.shard != nil {
		a.shard.end()
	}
}

// refuse answers what is gathered and not written.
func (a *Actor) refuse(err error) {
	for _, r := range a.queue {
		r.reply <- err
	}
	a.queue = nil
}

// Close ends the owner: what is written gets synced and answered. It may be called more than once, by anybody.
func (a *Actor) Close() error {
	a.once.Do(func() { a.post(chore(func() { a.stopping = true })) })
	<-a.done
	return a.exit
}

// drain is the owner's last act: it waits for the job that is out, closes the log and answers whoever waits for a sync.
func (a *Actor) drain() error {
	if a.sync.timer != nil {
		a.sync.timer.Stop()
	}
	if a.sync.job != nil {
		a.settleLast(<-a.sync.job)
	}
	a.refuse(broker.ErrDraining)
	a.saveLast()
	err := a.part.Close(a.failed != nil)
	if err != nil {
		a.fail(fmt.Errorf("partition %s: close: %w", a.name, err))
	}
	for _, r := range a.parked {
		r.reply <- nil // closed and synced
	}
	a.parked = nil
	a.wakeAll()
	a.trims.wait()
	return a.failed
}

// post sends to the owner; false when it has left. true does not tell that it will still get there.
func (a *Actor) post(q ask) bool {
	select {
	case a.asks <- q:
		return true
	case <-a.done:
		return false
	}
}

// ask runs fn in the owner and waits for it; false when the owner has left.
func (a *Actor) ask(fn func()) bool {
	ran := make(chan struct{}, 1)
	if !a.post(chore(func() { fn(); ran <- struct{}{} })) {
		return false
	}
	_, ok := await(ran, a.done)
	return ok
}

// await gives an owner's reply, or false when the owner has left without one. The reply may have come just before it
// left, so done is no reason not to look once more.
func await[T any](reply <-chan T, done <-chan struct{}) (v T, ok bool) {
	select {
	case v = <-reply:
		return v, true
	case <-done:
		select {
		case v = <-reply:
			return v, true
		default:
			return v, false
		}
	}
}
