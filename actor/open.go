package actor

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v3"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
)

// Open starts the engine: it locks and recovers the data folder, and starts an owner for each partition. A partition
// that can't be opened does not keep the others from starting.
func Open(config Config) (*Broker, error) {
	began := time.Now()
	b := &Broker{
		config: config.withDefaults(), squeeze: make(chan struct{}, 1), stop: make(chan struct{}),
		topics: xsync.NewMapOf[string, *topic](), forgetNext: moment().Steady,
	}
	if err := b.openStorage(); err != nil {
		return nil, errors.Join(err, b.lock.Release())
	}
	if err := b.recover(); err != nil {
		close(b.stop)
		b.work.Wait()
		b.each(func(_ *topic, a *Actor) bool { return a.Close() == nil })
		b.groups.each(func(a *Actor) bool { return a.Close() == nil })
		if b.meta != nil {
			err = errors.Join(err, b.meta.Close())
		}
		return nil, errors.Join(err, b.lock.Release())
	}
	b.found.Took = time.Since(began)
	b.work.Go(b.govern)
	return b, nil
}

func (b *Broker) openStorage() (err error) {
	switch {
	case b.config.FS != nil:
		b.fs = b.config.FS
	case b.config.Dir == "":
		b.memory = segment.NewMemory(b.config.MemoryBytes)
		b.fs = b.memory
	default:
		os, err := segment.NewOS(b.config.Dir)
		if err != nil {
			return err
		}
		if b.lock, err = segment.LockFolder(b.config.Dir); err != nil {
			return err
		}
		b.fs = os.Within(segment.Limits{
			Files: b.config.MaxFiles, Syncs: b.config.SyncWorkers, Reads: b.config.ReadWorkers,
		})
	}
	b.owners = &shared{
		batchBytes: b.config.BatchBytes, fsync: b.config.Fsync, interval: b.config.FsyncInterval, logger: b.config.Logger,
		memory: b.memory, pressure: b.squeezed, short: b.short, scarce: b.scarce, requests: newRequests(),
		logs: new(atomic.Int64), retries: new(Retries), unreadable: new(unreadables),
		meter: b.config.Metrics,
	}
	b.groups.totals.memory = b.memory
	b.folder, err = openFolder(b.fs)
	if b.memory == nil && err == nil {
		b.owners.starts = openLogStarts(b.fs, b.config.Logger, &b.work)
	}
	return err
}

// recover reads what exists and opens it.
func (b *Broker) recover() error {
	if err := b.checkMeta(); err != nil { // before anything is changed
		return err
	}
	if err := b.folder.use(); err != nil {
		return err
	}
	known, err := b.openMeta()
	if err != nil {
		return err
	}
	b.openTopics(known)
	b.owners.starts.retain(func(topic string, partition int) bool { return partition < known.topics[topic].Partitions })
	if err := b.openGroups(); err != nil {
		return err
	}
	if err := b.finishDeletions(known); err != nil {
		return err
	}
	if b.folder.powerCut && b.found.Failed > 0 {
		return nil // what could not be opened has no new epoch: the next start begins one, in all of them
	}
	return b.begin()
}

func (b *Broker) openMeta() (catalog, error) {
	dir := partitionDir(metaTopic, 0)
	if err := b.fs.Mkdir(dir); err != nil {
		return catalog{}, err
	}
	keepAll := partition.Retention{Ms: -1, Bytes: -1, SegmentBytes: metaSegmentBytes}
	p, report, err := partition.Open(b.partitionConfig(dir, keepAll))
	if err != nil {
		return catalog{}, place(metaTopic, 0, err)
	}
	b.noteRecovery(dir, report, nil)
	known, err := b.readCatalog(p)
	if err != nil {
		return known, errors.Join(err, p.Close(true))
	}
	b.meta = startCatalog(b.owners, p, newMetaOwner(known.clone(), b.shrink(metaSegmentBytes)))
	b.meta.ask(func() { _ = b.meta.reserve(ordinary, 0) }) // as far as there is room
	return known, nil
}

func (b *Broker) partitionConfig(dir string, r partition.Retention) partition.Config {
	r.SegmentBytes = b.shrink(r.SegmentBytes)
	return partition.Config{
		FS: b.fs, Dir: dir, Retention: r, HoldBack: b.config.Fsync == FsyncAlways, NewEpoch: b.folder.powerCut,
		Sync: !b.folder.clean && b.config.Fsync != FsyncNever, Now: moment(), LogStart: b.owners.starts.of(dir),
	}
}

func retentionOf(c broker.TopicConfig) partition.Retention {
	return partition.Retention{
		Ms: c.RetentionMs, Bytes: c.RetentionBytes, SegmentBytes: c.SegmentBytes, SegmentMs: segmentMs(c),
	}
}

// openTopics starts the owners of the topics that the metadata log knows, several partitions at a time: what has to be
// read is read and checked by every processor.
func (b *Broker) openTopics(known catalog) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for _, m := range known.topics {
		b.config.Progress.Partitions.Add(int64(m.Partitions))
	}
	for name, m := range known.topics {
		t := &topic{
			broker: b, name: name, id: m.ID, uuid: uuidOf(m.ID), actors: make([]*Actor, m.Partitions), keys: b.newKeys(),
			traffic: b.config.Metrics.Topics.Topic(name),
		}
		config := m.config()
		t.config.Store(&config)
		b.found.Topics++
		b.partitions += m.Partitions
		b.topics.Store(name, t)
		for i := range t.actors {
			slots <- struct{}{}
			wait.Go(func() {
				t.actors[i] = b.openPartition(t, i)
				b.config.Progress.Recovered.Add(1)
				<-slots
			})
		}
	}
	wait.Wait()
}

func (b *Broker) openPartition(t *topic, i int) *Actor {
	dir := partitionDir(t.name, i)
	p, report, err := b.recoverPartition(t, dir)
	b.noteRecovery(dir, report, err)
	if err != nil {
		return b.ownDead(t.name, i, err)
	}
	t.findKeys(p)
	first := p.Cleanup().Below()
	a := b.own(t.name, i, p, nil)
	if report.Stays != nil {
		a.expiry.cleanup.Store(moment().Steady + retryAfter)
	} else {
		b.owners.starts.removed(dir, first)
	}
	return a
}

var errOtherTopic = errors.New("the folder belongs to another topic of the same name")

func (b *Broker) recoverPartition(t *topic, dir string) (*partition.Partition, segment.Report, error) {
	id, err := readTopicID(b.fs, dir)
	if err != nil {
		return nil, segment.Report{}, err
	}
	switch id {
	case t.id:
	case "":
		if err := writeTopicID(b.fs, dir, t.id); err != nil && !segment.MayRetry(err) { // else the next start does
			return nil, segment.Report{}, err
		}
	default:
		return nil, segment.Report{}, errOtherTopic
	}
	p, report, err := partition.Open(b.topicPartition(t, dir))
	if err == nil && report.StartBeyond { // it must not be believed later on, either
		if err = b.owners.starts.forget([]string{dir}); err != nil {
			err = errors.Join(err, p.Close(true))
		}
	}
	return p, report, err
}

// noteRecovery logs what recovery found in one partition, and counts it for the banner.
func (b *Broker) noteRecovery(dir string, r segment.Report, err error) {
	b.noting.Lock()
	defer b.noting.Unlock()
	b.found.Partitions++
	if !internal(dir) {
		b.found.Records += r.Records
	}
	if err != nil {
		b.found.Failed++
		b.config.Logger.Error("partition can't be opened", "partition", dir, "error", err)
		return
	}
	if r.Unwritten != nil {
		b.config.Logger.Warn("no room for what recovery has to write: records are served, appends wait", "partition", dir,
			"error", r.Unwritten)
	}
	if b.found.Cut += r.CutBytes; r.Broken != "" {
		b.config.Logger.Warn("cut off a torn tail", "partition", dir, "bytes", r.CutBytes, "kept_as", r.Broken)
	}
	if r.Producers != nil {
		b.config.Logger.Warn("what was saved of producers can't be read: the log's last minutes say it", "partition", dir,
			"error", r.Producers)
	}
	if r.StartBeyond {
		b.config.Logger.Error("the log's end is before its stored start, which is not believed", "partition", dir)
	}
	if r.Stays != nil {
		b.config.Logger.Warn("old segments stay on disk", "partition", dir, "error", r.Stays)
	}
	for _, d := range r.Damage {
		b.found.Damaged++
		b.config.Logger.Error("damaged records can't be served", "partition", dir, "first_offset", d.First,
			"next_good_offset", d.Next)
	}
}
