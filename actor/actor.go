package actor

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"flashq/broker"
	"flashq/group"
	"flashq/partition"
	"flashq/segment"
)

// Actor is the owner of one partition. Everybody else sends to its channels.
type Actor struct {
	settings

	appends chan *request // bounded: a full mailbox is the backpressure
	asks    chan ask
	done    chan struct{} // closed when run has left
	once    sync.Once

	// owned by run
	part     *partition.Partition
	queue    []*request     // gathered and not written yet
	group    []*broker.Part // scratch for commit
	parked   []*request     // written, each waits for the sync that covers it, in offset order
	watchers []*broker.Watch
	timer    *time.Timer      // the next sync under FsyncInterval; made for the first one
	due      <-chan time.Time // of timer, while it runs
	dirty    bool             // something was written since the last job began
	unsynced int64            // how many bytes of records, about
	job      chan syncResult  // of the job that is out, capacity 1; nil while none is
	stopping bool             // to leave now
	sealing  sealState
	evict    bool         // take the oldest segment away after the next roll
	shard    *group.Shard // what the log of a shard of groups says; nil in a topic's partition
	snapshot snapshotState
	leases   leaseTimer
	audience map[string]map[*broker.GroupWatch]bool // who waits for which group
	failed   error                                  // sticky
	trims    sync.WaitGroup
	trimmed  chan struct{} // closed when the last trim that began is through

	// set by run before done is closed
	exit error

	// atomic
	broken   atomic.Bool  // failed is set: refuse before anything is written elsewhere
	full     atomic.Int64 // when a write last found no room, milliseconds; 0 after one that went through
	bytes    atomic.Int64 // size of the log, for the governor
	watching atomic.Int64 // length of watchers
	gone     atomic.Int64 // how many of them nobody waits for any more
	sweeping atomic.Bool  // a sweep is on its way
}

// settings are set before run and never change.
type settings struct {
	name       string // topic-partition
	batchBytes int
	fsync      Fsync
	interval   time.Duration
	logger     *slog.Logger
	memory     *segment.Memory  // nil on files
	pressure   func(need int64) // tells the governor that memory is short, or that so much found no room
	short      func() bool      // tells whether memory is short
	keep       bool             // never evict
	requests   *sync.Pool
	stored     *atomic.Int64 // how many groups the engine stores; atomic
	subscribed *atomic.Int64 // how many topics their members ask for; atomic
	topics     group.Topics  // may be asked by anybody
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

func start(s settings, p *partition.Partition) *Actor { return startShard(s, p, nil) }

// startShard starts the owner of a shard of groups, whose state has been read from p.
func startShard(s settings, p *partition.Partition, shard *group.Shard) *Actor {
	a := &Actor{
		settings: s,
		part:     p,
		shard:    shard,
		appends:  make(chan *request, mailbox),
		asks:     make(chan ask, questions),
		done:     make(chan struct{}),
	}
	if shard != nil {
		a.leases, a.audience = newLeaseTimer(), map[string]map[*broker.GroupWatch]bool{}
	}
	a.bytes.Store(p.Stats().Bytes)
	go a.run()
	return a
}

// run waits on few channels: each one that a parked goroutine waits on holds memory, and most partitions are idle.
func (a *Actor) run() {
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
		case s := <-a.job: // the syncer got as far as s.upTo, or failed
			a.settle(s)
		case <-a.due:
			a.due = nil
			a.startSync()
		case <-a.leases.ends:
			a.expireLeases()
		}
	}
	a.exit = a.drain() // what still queues was promised nothing: done answers it
}

// startDead stands for a partition that could not be opened: everything that it is asked fails.
func startDead(s settings, err error) *Actor {
	a := &Actor{settings: s, done: make(chan struct{}), exit: err}
	a.broken.Store(true)
	close(a.done)
	return a
}

// inbox is closed to appends while a segment is sealed; reads, watches and the rest go on.
func (a *Actor) inbox() chan *request {
	if a.sealing != open {
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
	a.pokeAll()
	a.pokeAudience()
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
	a.pokeAll()
	a.pokeAudience()
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
	if a.timer != nil {
		a.timer.Stop()
	}
	a.leases.stop()
	if a.job != nil {
		a.settleLast(<-a.job)
	}
	a.refuse(broker.ErrDraining)
	err := a.part.Close(a.failed != nil)
	if err != nil {
		a.fail(fmt.Errorf("partition %s: close: %w", a.name, err))
	}
	for _, r := range a.parked {
		r.reply <- nil // closed and synced
	}
	a.parked = nil
	a.pokeAll()
	a.pokeAudience()
	a.trims.Wait()
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
	select {
	case <-ran:
		return true
	case <-a.done:
		select { // it may have come just before the loop left
		case <-ran:
			return true
		default:
			return false
		}
	}
}
