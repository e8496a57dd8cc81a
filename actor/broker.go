package actor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v3"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
)

// Broker is the registry: topics by name, each with the owners of its partitions. It is the engine for memory and for
// files.
type Broker struct {
	// set before use
	config  Config
	fs      segment.FS
	memory  *segment.Memory // nil on files
	lock    *segment.Lock
	folder  folder
	meta    *Actor
	found   Found
	noting  sync.Mutex    // guards found
	squeeze chan struct{} // capacity 1: memory is short
	spare   atomic.Int64  // the largest need that found no room: so much is kept free from then on
	owners  *shared
	stop    chan struct{}

	topics  *xsync.MapOf[string, *topic] // read by all; written under mu
	groups  groups
	closing atomic.Bool
	owing   atomic.Bool // start-up found no room for something: settle goes on with it
	leaving sync.Map    // folders that are about to be removed

	producers  atomic.Int64 // with ids of their own, in all partitions
	keys       atomic.Int64 // what the keys of all topics count as
	forgetNext int64        // when to look for producers whose time is up; govern's own

	mu         sync.Mutex // one change of what exists at a time
	closed     bool
	partitions int            // of all topics
	work       sync.WaitGroup // goroutines of the registry
}

// Found is what start-up found, for the banner.
type Found struct {
	Topics, Partitions, Groups int
	Commits                    int // what groups and their commits count as against Config.MaxCommits
	Records                    int64
	Took                       time.Duration
	// Damaged counts ranges of offsets that can't be served, Cut the torn bytes that were put aside, Failed the
	// partitions that could not be opened.
	Damaged, Failed int
	Cut             int64
}

// Found tells what start-up found.
func (b *Broker) Found() Found {
	b.noting.Lock()
	defer b.noting.Unlock()
	return b.found
}

// Topic implements broker.Broker.
func (b *Broker) Topic(_ context.Context, name string) (broker.Topic, error) {
	t, ok := b.topics.Load(name)
	if !ok {
		return nil, topicMissing(name)
	}
	return t, nil
}

// Topics implements broker.Broker.
func (b *Broker) Topics(context.Context) ([]broker.Topic, error) {
	all := make([]broker.Topic, 0, b.topics.Size())
	b.topics.Range(func(_ string, t *topic) bool {
		all = append(all, t)
		return true
	})
	slices.SortFunc(all, func(a, b broker.Topic) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// each visits every partition's owner.
func (b *Broker) each(visit func(t *topic, a *Actor) bool) {
	b.topics.Range(func(_ string, t *topic) bool {
		for _, a := range t.actors {
			if !visit(t, a) {
				return false
			}
		}
		return true
	})
}

// fullFor is how long a write that found no room keeps the broker from being ready. Only a write can tell whether there
// is room again, and a balancer sends none to a broker that is not ready.
const fullFor = 10 * time.Second

// Ready implements broker.Broker.
func (b *Broker) Ready() error {
	if b.closing.Load() {
		return broker.ErrDraining
	}
	err := b.meta.ready()
	see := func(a *Actor) bool {
		err = a.ready()
		return err == nil
	}
	if err == nil {
		b.groups.each(see)
	}
	if err == nil {
		b.each(func(_ *topic, a *Actor) bool { return see(a) })
	}
	return err
}

// ready tells whether this partition would take a write, as far as the last one shows.
func (a *Actor) ready() error {
	switch full := a.full.Load(); {
	case a.broken.Load():
		return broker.ErrStorage
	case full != 0 && nowMillis()-full < fullFor.Milliseconds():
		return broker.ErrDiskFull
	}
	return nil
}

// Close implements broker.Broker: actors close, logs sync, and only then the clean mark is written.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.closing.Store(true)
	close(b.stop)
	var all error
	var errs sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, 16) // closing syncs: side by side, but not all at once
	end := func(a *Actor) bool {
		slots <- struct{}{}
		wait.Go(func() {
			err := a.Close()
			<-slots
			errs.Lock()
			defer errs.Unlock()
			all = errors.Join(all, err)
		})
		return true
	}
	b.each(func(_ *topic, a *Actor) bool { return end(a) })
	b.groups.mu.Lock() // no shard starts any more
	b.groups.each(end)
	b.groups.mu.Unlock()
	wait.Wait()
	b.work.Wait()
	all = errors.Join(all, b.meta.Close())
	if all == nil && !b.owing.Load() {
		all = b.folder.left()
	}
	return errors.Join(all, b.lock.Release())
}

// shrink bounds a segment in memory storage, so that there is always something sealed to evict.
func (b *Broker) shrink(segmentBytes int64) int64 {
	if b.memory == nil || b.memory.Limit() == 0 {
		return segmentBytes
	}
	return min(segmentBytes, max(b.memory.Limit()/64, 64<<10), 16<<20)
}

// own starts the owner of a log of this engine.
func (b *Broker) own(topicName string, partition int, p *partition.Partition, shard *shardOwner) *Actor {
	return start(b.owners, partitionDir(topicName, partition), p, shard)
}

// ownDead stands in for an owner whose log could not be opened.
func (b *Broker) ownDead(topicName string, partition int, err error) *Actor {
	return startDead(b.owners, partitionDir(topicName, partition), place(topicName, partition, err))
}

// internal tells whether a topic is one of the broker's own logs.
func internal(topicName string) bool { return strings.HasPrefix(topicName, "__") }
