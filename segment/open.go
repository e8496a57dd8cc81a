package segment

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Open recovers the log in a folder that exists. Sealed segments that the checkpoint knows are not read; the last
// segment always is. Whole batches are kept, a torn tail is cut off and kept beside, damage elsewhere stays where it is
// and is reported.
func Open(cfg Config) (*Log, Report, error) {
	l := &Log{cfg: cfg}
	l.SetSegmentBytes(cfg.SegmentBytes)
	var r Report
	names, err := l.cfg.FS.ReadDir(l.cfg.Dir)
	if err != nil {
		return nil, r, fmt.Errorf("%s: %w", cfg.Dir, err)
	}
	bases, err := logs(names)
	if err != nil {
		return nil, r, fmt.Errorf("%s: %w", cfg.Dir, err)
	}
	l.noted = hasNotes(names)
	if err := l.openAll(keptOf(bases, cfg.LogStart), &r); err != nil {
		return nil, r, err
	}
	l.cfg.See, l.cfg.Noted = nil, nil // with what they have collected
	if err := l.begin(&r); err != nil {
		return nil, r, errors.Join(err, l.Abandon())
	}
	if len(basesBelow(names, l.firstBase())) > 0 {
		r.Stays = l.Cleanup().Run()
	}
	r.Records = l.Next() - l.Start()
	return l, r, nil
}

// logs lists the base offsets of the segments in a folder, in order.
func logs(names []string) ([]int64, error) {
	var bases []int64
	for _, name := range names {
		base, suffix, err := baseOf(name)
		if suffix != logSuffix {
			continue
		}
		if err != nil {
			return nil, err
		}
		bases = append(bases, base)
	}
	slices.Sort(bases)
	return bases, nil
}

// keptOf leaves out what stands before the log's start, where a segment begins there; else all of it is looked at.
func keptOf(bases []int64, start int64) []int64 {
	if i, ok := slices.BinarySearch(bases, start); ok {
		return bases[i:]
	}
	return bases
}

func (l *Log) openAll(bases []int64, r *Report) error {
	if len(bases) == 0 {
		return l.create(l.cfg.LogStart)
	}
	known := loadCheckpoint(l.cfg.FS, l.cfg.Dir)
	for i, base := range bases[:len(bases)-1] {
		if err := l.openSealed(base, bases[i+1], known, r); err != nil {
			return fmt.Errorf("segment %d: open: %w", base, err)
		}
	}
	if err := l.openActive(bases[len(bases)-1], r); err != nil {
		return fmt.Errorf("segment %d: open: %w", bases[len(bases)-1], err)
	}
	l.lines = len(known)
	if r.Rebuilt > 0 || l.surplus(l.lines) {
		l.lines = len(l.sealed)
		err := storeCheckpoint(l.cfg.FS, l.cfg.Dir, l.sealed)
		if err = r.orOwe(err, l.Renote); err != nil {
			return errors.Join(err, l.Abandon())
		}
	}
	return nil
}

// begin puts the log's start where it was said to be. When that is the end, or a power cut took what stood before it,
// nothing is left. A start beyond the end of a log that lost nothing is not believed.
func (l *Log) begin(r *Report) error {
	l.start = l.firstBase()
	switch start := l.cfg.LogStart; {
	case start <= l.start:
	case start < l.Next():
		l.start = start
	case start == l.Next() || l.cfg.PowerCut:
		err := l.active.file.drop()
		l.sealed, l.bytes, l.start, l.active = nil, 0, start, active{}
		return errors.Join(err, l.create(start))
	default:
		r.StartBeyond = true
	}
	return nil
}

// openSealed takes the checkpoint's word where it fits the files, else it reads the segment and makes its indexes anew.
func (l *Log) openSealed(base, next int64, known map[int64]sealedInfo, r *Report) error {
	st, err := l.cfg.FS.Stat(l.path(base, logSuffix))
	if err != nil {
		return err
	}
	info, ok := known[base]
	if !ok || info.size != st.Size || !l.indexesThere(base, st.Size) {
		if info, err = l.rebuild(base, st.Size, r); err != nil {
			return err
		}
	}
	if info.next < next {
		r.Damage = append(r.Damage, Damage{First: info.next, Next: next})
	}
	info.arrived, info.runMax, info.lost = l.cfg.Now.arrival(info.maxTS, st.ModTime), info.maxTS, info.next < next
	if k := len(l.sealed) - 1; k >= 0 {
		info.runMax, info.lost = max(info.runMax, l.sealed[k].runMax), info.lost || l.sealed[k].lost
	}
	l.sealed = append(l.sealed, info)
	l.bytes += info.size
	return nil
}

// indexesThere is a look at sizes only: what the entries say is checked against the log whenever one is used.
func (l *Log) indexesThere(base, logSize int64) bool {
	offsets, err1 := l.cfg.FS.Stat(l.path(base, indexSuffix))
	times, err2 := l.cfg.FS.Stat(l.path(base, timeIndexSuffix))
	return err1 == nil && err2 == nil && offsets.Size%indexEntrySize == 0 && times.Size%timeEntrySize == 0 &&
		(logSize == 0 || times.Size > 0)
}

func (l *Log) rebuild(base, size int64, r *Report) (info sealedInfo, err error) {
	f, err := l.cfg.FS.Open(l.path(base, logSuffix))
	if err != nil {
		return info, err
	}
	s, err := scanLog(f, base, size, false, nil)
	if err = errors.Join(err, f.Close()); err != nil {
		return info, err
	}
	r.Scanned += size
	r.Rebuilt++
	r.Damage = append(r.Damage, s.damage...)
	s.addTime()
	made := indexFiles{base: base, offsets: s.encodeOffsets(), times: s.encodeTimes()}
	err = r.orOwe(l.writeIndexes(made, true), func() { l.owed.indexes = append(l.owed.indexes, made) })
	return sealedInfo{base: base, next: s.next, size: size, firstTS: s.firstTS, maxTS: s.maxTS}, err
}

// openActive reads the last segment and cuts its torn tail off.
func (l *Log) openActive(base int64, r *Report) error {
	name := l.path(base, logSuffix)
	st, err := l.cfg.FS.Stat(name)
	if err != nil {
		return err
	}
	f, err := l.cfg.FS.Open(name)
	if err != nil {
		return err
	}
	s, notes, unread, err := l.scanNoted(f, base, st.Size, l.cfg.PowerCut, l.cfg.See, l.cfg.Noted)
	r.Producers = errors.Join(r.Producers, unread)
	if err == nil && s.end < st.Size {
		r.CutBytes = st.Size - s.end
		r.Broken, err = cutTail(l.cfg.FS, l.cfg.Dir, f, base, s.end, st.Size)
		err = r.orOwe(err, func() { l.owed.tail = st.Size })
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r.Scanned += st.Size
	r.Damage = append(r.Damage, s.damage...)
	before := int64(math.MinInt64 / 4) // nobody knows
	if k := len(l.sealed) - 1; k >= 0 {
		before = l.sealed[k].arrived
	}
	now, arrived := l.cfg.Now, l.cfg.Now.arrival(s.maxTS, st.ModTime)
	l.active = active{
		indexes: s.indexes, base: base, next: s.next, size: s.end, file: share(f), dirty: true,
		arrived: arrived, began: now.beginning(s.firstTS, before, arrived),
		notes: keyNotes{end: notes, off: unread != nil},
	}
	return nil
}

// LastEpoch is the leader epoch of the last good batch of the active segment; -1 without one. It reads, so it is for
// start-up only.
func (l *Log) LastEpoch() (int32, error) {
	s, err := scanLog(l.active.file, l.active.base, l.active.size, false, nil)
	return s.epoch, err
}
