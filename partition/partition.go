package partition

import (
	"errors"
	"fmt"

	"flashq/broker"
	"flashq/segment"
	"flashq/segment/batch"
)

// Config says where a partition lives and how it keeps its records.
type Config struct {
	FS        segment.FS
	Dir       string // its folder, which exists
	Retention Retention
	// HoldBack keeps the high watermark at what is synced (--fsync=always) instead of what is written.
	HoldBack bool
	// NewEpoch tells that the machine went down with the log open: offsets that were lost may be used again, so a new
	// leader epoch begins.
	NewEpoch bool
	// Sync makes what Open finds durable before anybody sees it: after an unclean end it may stand in the kernel's memory
	// only, written but never synced.
	Sync bool
	// Now is when it is opened.
	Now segment.Moment
	// LogStart is where it begins although older files may be there, 0 is where they say.
	LogStart int64
	// Producers says what it knows of those who number their batches; nil: it does not look at them.
	Producers *Producers
}

// Partition is one log with what its offsets mean. All methods belong to its one owner.
type Partition struct {
	log       *segment.Log
	holdBack  bool
	retention Retention
	epoch     int32
	epochs    []segment.Epoch // by which offset each one began, oldest first
	unstored  bool            // epochs are not on the disk yet
	fs        segment.FS
	dir       string
	synced    int64 // offsets below are durable
	given     int64 // the last append time that the broker gave; a client's timestamps don't count
	batches   []batch.Batch

	limits    *Producers // nil where producers is
	producers *producers
	refused   []error // of the last Append, by part; empty where all were stored
	saved     []int64 // offsets of the snapshots on the disk, in order
	digests   digests // as Open found them
}

// Open recovers a partition.
func Open(c Config) (*Partition, segment.Report, error) {
	var last *producers // what the last segment says of them
	var see func(batch.Batch)
	noted := digests{}
	if c.Producers != nil {
		last = newProducers()
		see = func(b batch.Batch) { last.see(b, c.Now.Steady) }
	}
	log, report, err := segment.Open(segment.Config{
		FS: c.FS, Dir: c.Dir, SegmentBytes: c.Retention.SegmentBytes, PowerCut: c.NewEpoch,
		Now: c.Now, LogStart: c.LogStart, See: see, Noted: noted.noter(c),
	})
	if err != nil {
		return nil, report, err
	}
	p := &Partition{
		log: log, holdBack: c.HoldBack, retention: c.Retention, synced: log.Next(), fs: c.FS, dir: c.Dir,
	}
	err = p.openEpoch(c, &report)
	if err == nil && c.Producers != nil {
		err = p.openProducers(c, last, noted, &report)
	}
	if err == nil && c.Sync {
		err = log.SyncJob().Run()
	}
	if err != nil {
		return nil, report, errors.Join(err, log.Abandon())
	}
	return p, report, nil
}

// openEpoch finds the current leader epoch and begins a new one where the machine went down.
func (p *Partition) openEpoch(c Config, report *segment.Report) error {
	epochs, err := segment.LoadEpochs(c.FS, c.Dir)
	if err != nil {
		return fmt.Errorf("%s: leader epoch: %w", c.Dir, err)
	}
	switch {
	case len(epochs) > 0:
		p.epoch = epochs[len(epochs)-1].Epoch
	default:
		last, err := p.log.LastEpoch()
		if err != nil {
			return fmt.Errorf("%s: leader epoch: %w", c.Dir, err)
		}
		p.epoch = max(last, 0)
	}
	if c.NewEpoch {
		p.epoch++
	}
	if len(epochs) > 0 && !c.NewEpoch {
		p.epochs = epochs
		return nil
	}
	epochs = append(epochs, segment.Epoch{Epoch: p.epoch, Start: p.log.Next()})
	p.epochs = epochs
	err = p.storeEpochs()
	if segment.MayRetry(err) {
		p.unstored, report.Unwritten = true, err
		return nil
	}
	return err
}

func (p *Partition) storeEpochs() error {
	if err := segment.StoreEpochs(p.fs, p.dir, p.epochs); err != nil {
		return fmt.Errorf("%s: leader epoch: %w", p.dir, err)
	}
	return nil
}

// Owes tells that Open found no room or no descriptor for what has to be written before anything is appended: the new
// leader epoch, what was cut off.
func (p *Partition) Owes() bool { return p.unstored || p.log.Owes() }

// Torn tells that a torn tail is still in its place.
func (p *Partition) Torn() bool { return p.log.Torn() }

// OwesIndexes tells that all it owes is index files, without which a log can be written and read.
func (p *Partition) OwesIndexes() bool { return p.Owes() && !p.unstored && !p.log.Torn() }

// Settle writes that. It may be called until it gives no error.
func (p *Partition) Settle() error {
	if p.unstored {
		if err := p.storeEpochs(); err != nil {
			return err
		}
		p.unstored = false
	}
	return p.log.Settle()
}

// Reserve takes room for so many bytes more, so that they can be appended although the disk is full by then.
func (p *Partition) Reserve(n int64) error { return p.log.Reserve(n) }

// ReserveNext takes room for the first n bytes of the next segment, so that the log can roll and be written there
// although the disk is full by then.
func (p *Partition) ReserveNext(n int64) error { return p.log.ReserveNext(n) }

// NextReserved is how much of that there is.
func (p *Partition) NextReserved() int64 { return p.log.NextReserved() }

// Next is the offset of the next record to be written.
func (p *Partition) Next() int64 { return p.log.Next() }

// Start is the offset of the earliest record.
func (p *Partition) Start() int64 { return p.log.Start() }

// Bytes is the size of the log.
func (p *Partition) Bytes() int64 { return p.log.Bytes() }

// Epoch is the leader epoch that new batches get.
func (p *Partition) Epoch() int32 { return p.epoch }

// EpochEnd is the offset after the last record of a leader epoch, as far as it is known: what was acknowledged of that
// epoch beyond it was lost. For the current epoch that is the end of the log.
func (p *Partition) EpochEnd(epoch int32) int64 {
	for _, e := range p.epochs {
		if e.Epoch > epoch {
			return min(e.Start, p.log.Next())
		}
	}
	return p.log.Next()
}

// HighWatermark is the offset below which readers may see records.
func (p *Partition) HighWatermark() int64 {
	if p.holdBack {
		return p.synced
	}
	return p.log.Next()
}

// Fit tells how many of the appends, from the first on, go into the active segment as it stands; 0 means that it has
// to roll first.
func (p *Partition) Fit(appends []*broker.Part) int {
	bytes, next := int64(0), p.log.Next()
	for i, a := range appends {
		bytes += int64(Size(a))
		next += records(a)
		if !p.log.Fits(bytes, next-1) {
			return i
		}
	}
	return len(appends)
}

// Size is how many bytes a part's batches have.
func Size(part *broker.Part) int {
	size := len(part.Batch)
	for i := range part.Rest {
		size += len(part.Rest[i].Batch)
	}
	return size
}

// End is the offset below which all records of a part stand that was stored.
func End(part *broker.Part) int64 {
	end := part.BaseOffset + int64(part.Batch.LastOffsetDelta()) + 1
	for i := range part.Rest { // the last batch may be a duplicate, after new ones
		end = max(end, part.Rest[i].BaseOffset+int64(part.Rest[i].Batch.LastOffsetDelta())+1)
	}
	return end
}

// records is how many offsets a part's batches take.
func records(part *broker.Part) int64 {
	n := int64(part.Batch.LastOffsetDelta()) + 1
	for i := range part.Rest {
		n += int64(part.Rest[i].Batch.LastOffsetDelta()) + 1
	}
	return n
}

// Append stamps the batches and writes them in one write. On success each part's BaseOffset, Timestamp and Stored are
// set, and Duplicate where nothing had to be written; Refused tells of parts that were not stored for what their
// producers had numbered. On failure nothing has changed, whatever the batches' headers say.
func (p *Partition) Append(now segment.Moment, parts []*broker.Part) error {
	p.batches, p.refused = p.batches[:0], p.refused[:0]
	w := writing{now: now, next: p.log.Next(), given: p.given}
	for i, part := range parts {
		before := len(p.batches)
		if p.producers != nil && numbered(part) {
			p.placeNumbered(&w, i, parts)
		} else {
			p.place(&w, part)
		}
		if len(p.batches) > before {
			w.last = i
		}
	}
	err := p.write(&w, parts)
	if p.producers != nil && len(p.producers.undo) > 0 {
		p.concludeNumbered(err)
	}
	return err
}

// writing is one Append under way.
type writing struct {
	now   segment.Moment
	next  int64 // the offset of the next batch
	given int64
	last  int // the part that the last batch to be written is of
}

// place has a part written.
func (p *Partition) place(w *writing, part *broker.Part) {
	part.BaseOffset, part.Timestamp = p.stamp(w, part.Batch, part.BrokerTime)
	for i := range part.Rest {
		more := &part.Rest[i]
		more.BaseOffset, more.Timestamp = p.stamp(w, more.Batch, false)
	}
}

// stamp makes b the next batch to be written.
func (p *Partition) stamp(w *writing, b batch.Batch, brokerTime bool) (offset, timestamp int64) {
	offset = w.next
	b.SetBaseOffset(offset)
	b.SetLeaderEpoch(p.epoch)
	if brokerTime {
		w.given = appendTime(w.now.Wall, b.BaseTimestamp(), w.given)
		if w.given != b.BaseTimestamp() {
			b.ShiftTimestamps(w.given - b.BaseTimestamp())
		}
	}
	w.next = b.LastOffset() + 1
	p.batches = append(p.batches, b)
	return offset, b.MaxTimestamp()
}

// write writes what is placed.
func (p *Partition) write(w *writing, parts []*broker.Part) (err error) {
	if p.producers != nil && len(p.producers.undo) > 0 {
		p.noteKeys()
	}
	if len(p.batches) > 0 {
		err = p.log.Append(w.now, p.batches, mayKeep(parts[w.last], len(p.batches)))
	}
	for i, part := range parts {
		part.Stored = err == nil && p.Refused(i) == nil
	}
	clear(p.batches) // the bytes are lent
	if err == nil {
		p.given = w.given
	}
	return err
}

// mayKeep is where the log tells that it keeps the memory of the n batches that are written, if they are as many as the
// last part has: fewer would keep the memory of all that came with them, uncounted.
func mayKeep(part *broker.Part, n int) *bool {
	if n != 1+len(part.Rest) {
		return nil
	}
	return &part.Adopted
}

// setBack is how far a clock may go back before append times follow it.
const setBack = 1000

// appendTime is what records get that came without a timestamp: the clock as it was when they were decoded, but no less
// than what others got before, so that a small step back does not show. Where the clock was set back, it counts.
func appendTime(now, decoded, given int64) int64 {
	if at := max(decoded, given); at <= now+setBack {
		return at
	}
	return now
}

// View is an immutable view up to the high watermark; the caller closes it.
func (p *Partition) View() *segment.View { return p.log.View(p.HighWatermark()) }

// SyncJob takes everything that was appended so far; tell its UpTo to SetSynced once it ran.
func (p *Partition) SyncJob() segment.SyncJob { return p.log.SyncJob() }

// Resync tells that a SyncJob could not be tried: the next one does all that it should have.
func (p *Partition) Resync() { p.log.Resync() }

// Renote has the next seal write the checkpoint anew.
func (p *Partition) Renote() { p.log.Renote() }

// Synced is the offset below which everything is durable, as far as it is known.
func (p *Partition) Synced() int64 { return p.synced }

// SetSynced tells that everything below upTo is durable.
func (p *Partition) SetSynced(upTo int64) { p.synced = max(p.synced, upTo) }

// Seal ends the active segment: no Append until Roll or Unseal.
func (p *Partition) Seal(sync bool) segment.SealJob { return p.log.Seal(sync) }

// Roll begins a new segment after the sealed one.
func (p *Partition) Roll() error { return p.log.Roll() }

// Unseal takes Seal back.
func (p *Partition) Unseal() { p.log.Unseal() }

// Close ends the partition; the log is closed as it should be, or left to recovery when dirty.
func (p *Partition) Close(dirty bool) error {
	if dirty {
		return p.log.Abandon()
	}
	return p.log.Close(true)
}

// Stats gives the partition's figures.
func (p *Partition) Stats() broker.PartitionStats {
	first, last := p.log.Timestamps()
	return broker.PartitionStats{
		LogStart: p.log.Start(), HighWatermark: p.HighWatermark(), Bytes: p.log.Bytes(), Segments: p.log.Segments(),
		FirstTimestamp: first, LastTimestamp: last,
	}
}
