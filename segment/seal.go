package segment

import (
	"errors"
	"fmt"
	"math"
)

// ErrSync is wrapped by jobs when a sync failed: what was written since the last one that succeeded is not durable, and
// no later sync can make it so.
var ErrSync = errors.New("sync failed")

// ErrCheckpoint is wrapped by a SealJob that did all but note the segment in the checkpoint, which is a cache.
var ErrCheckpoint = errors.New("checkpoint could not be written")

func synced(err error) error {
	switch {
	case err == nil:
		return nil
	case IsUntried(err): // the kernel failed at nothing
		return fmt.Errorf("sync: %w", err)
	default:
		return fmt.Errorf("%w: %w", ErrSync, err)
	}
}

// SyncJob makes what was written durable. It holds its file open, and is run once by one goroutine beside the owner.
type SyncJob struct {
	file *shared
	dir  bool
	fs   FS
	name string
	// UpTo is the offset below which everything is durable once Run returned nil.
	UpTo int64
}

// SyncJob takes everything that was appended so far.
func (l *Log) SyncJob() SyncJob {
	a := &l.active
	job := SyncJob{file: a.file.hold(), dir: a.dirty, fs: l.cfg.FS, name: l.cfg.Dir, UpTo: a.next}
	a.dirty = false
	return job
}

// Run syncs the file, and the folder where it has new entries: ErrSync. Where that could not be tried, IsUntried, the
// log has to be told with Resync.
func (j SyncJob) Run() error {
	err := synced(j.sync())
	if dropped := j.file.drop(); dropped != nil {
		return fmt.Errorf("%w: %w", ErrSync, errors.Join(err, dropped))
	}
	return err
}

func (j SyncJob) sync() error {
	if !j.dir {
		return j.file.Sync()
	}
	if both, ok := j.file.File.(DirSyncer); ok {
		return both.SyncWithDir(j.name)
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	return j.fs.SyncDir(j.name)
}

// Resync has the next SyncJob sync the folder as well, after one that may not have.
func (l *Log) Resync() { l.active.dirty = true }

// SealJob writes the index files of the active segment, makes all of it durable and notes it in the checkpoint. It is
// run once by one goroutine beside the owner, who must not append until Roll.
type SealJob struct {
	SyncJob

	log     *Log // only cfg and path are used: they never change
	info    sealedInfo
	anew    []sealedInfo // nil: the checkpoint gets one line more; else these lines and that one are all it has
	indexes indexFiles
	durable bool
	spare   bool // where there is no room for the index files, it goes without
}

// Seal ends the active segment: no append until Roll. Without sync nothing is made durable.
func (l *Log) Seal(sync bool) SealJob {
	a := &l.active
	a.sealing = true
	return l.sealJob(sync)
}

func (l *Log) sealJob(sync bool) SealJob {
	a := &l.active
	a.addTime() // Kafka's last entry: the segment's largest timestamp
	job := SealJob{
		SyncJob: l.SyncJob(), log: l, info: l.sealedInfo(), durable: sync, spare: l.next > 0,
		indexes: indexFiles{base: a.base, offsets: a.encodeOffsets(), times: a.encodeTimes()},
	}
	if l.lines++; l.surplus(l.lines) {
		job.anew = append(make([]sealedInfo, 0, len(l.sealed)+1), l.sealed...)
		l.lines = len(l.sealed) + 1
	}
	return job
}

func (l *Log) sealedInfo() sealedInfo {
	a := &l.active
	s := sealedInfo{
		base: a.base, next: a.next, size: a.size,
		firstTS: a.firstTS, maxTS: a.maxTS, arrived: a.arrived, runMax: a.maxTS,
	}
	if k := len(l.sealed) - 1; k >= 0 {
		s.runMax, s.lost = max(s.runMax, l.sealed[k].runMax), l.sealed[k].lost
	}
	return s
}

// Run does it: indexes, then the log, then the folder, and last the checkpoint line, which only then is true.
func (j SealJob) Run() error {
	err := j.log.writeIndexes(j.indexes, j.durable)
	if j.spare && IsNoSpace(err) {
		err = nil // the next segment has room of its own: this one is walked, and soon to go
	}
	switch {
	case err != nil:
		err = errors.Join(err, j.file.drop())
	case j.durable:
		err = j.SyncJob.Run()
	default:
		err = j.file.drop()
	}
	if err == nil {
		err = j.note()
	}
	if err != nil {
		return fmt.Errorf("segment %d: seal: %w", j.info.base, err)
	}
	return nil
}

// note adds the segment to the checkpoint: ErrCheckpoint.
func (j SealJob) note() (err error) {
	if j.anew != nil {
		err = storeCheckpoint(j.fs, j.name, append(j.anew, j.info))
	} else {
		err = appendCheckpoint(j.fs, j.name, j.info)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return nil
}

// Renote has the next SealJob write the checkpoint anew, after one that failed with ErrCheckpoint.
func (l *Log) Renote() { l.lines = math.MaxInt32 }

// Roll begins a new active segment after the sealed one. After an error the log is as it was, and Roll may be tried
// again.
func (l *Log) Roll() error {
	old, info := l.active, l.sealedInfo()
	if err := l.create(old.next); err != nil {
		return err
	}
	l.sealed = append(l.sealed, info)
	l.bytes += info.size
	old.notes.close()
	return old.file.drop()
}

// Unseal takes Seal back after its job failed for want of room or of a descriptor, so that appends may be tried again.
func (l *Log) Unseal() {
	l.active.sealing = false
	l.Resync() // the job had taken that over
}

// Close writes the index files of the active segment, syncs and closes it. Views stay good until they are closed.
func (l *Log) Close(sync bool) error {
	a := &l.active
	if a.file == nil {
		return nil
	}
	a.addTime()
	a.notes.close()
	err := errors.Join(
		overwrite(l.cfg.FS, l.path(a.base, indexSuffix), a.encodeOffsets(), sync),
		overwrite(l.cfg.FS, l.path(a.base, timeIndexSuffix), a.encodeTimes(), sync))
	if sync { // the records also where there is no room for their indexes
		err = errors.Join(err, a.file.Sync(), l.cfg.FS.SyncDir(l.cfg.Dir))
	}
	err = errors.Join(err, a.file.drop())
	a.file = nil
	return err
}

// Abandon closes the file and writes nothing: for a log whose last write or sync failed.
func (l *Log) Abandon() error {
	if l.active.file == nil {
		return nil
	}
	l.active.notes.close()
	err := l.active.file.drop()
	l.active.file = nil
	return err
}
