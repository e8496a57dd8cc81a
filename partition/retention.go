package partition

import "flashq/segment"

// Retention says how much a partition keeps: whole segments, oldest first. Ms and Bytes below 0 are no bound.
type Retention struct {
	Ms           int64
	Bytes        int64
	SegmentBytes int64 // where the log rolls, 0 is the default
}

// SetRetention changes it; the next Expire goes by it.
func (p *Partition) SetRetention(r Retention) {
	p.retention = r
	p.log.SetSegmentBytes(r.SegmentBytes)
}

// Expire lets go of sealed segments that retention no longer keeps. By size: as long as what would be left still holds
// Bytes, as Kafka counts. By age: a segment whose newest moment is more than Ms ago.
func (p *Partition) Expire(now int64) segment.TrimJob {
	n, left := 0, p.log.Bytes()
	for s := range p.log.Sealed(now) {
		tooMuch := p.retention.Bytes >= 0 && left-s.Bytes >= p.retention.Bytes
		tooOld := p.retention.Ms >= 0 && now-s.Newest > p.retention.Ms
		if !tooMuch && !tooOld {
			break
		}
		left -= s.Bytes
		n++
	}
	return p.log.Trim(n)
}

// ActiveExpired tells whether the active segment is too old to be kept, so that it has to be sealed before Expire can
// take it.
func (p *Partition) ActiveExpired(now int64) bool {
	newest, ok := p.log.ActiveNewest(now)
	return ok && p.retention.Ms >= 0 && now-newest > p.retention.Ms && p.HighWatermark() == p.log.Next()
}

// Evict lets go of the oldest sealed segment, for memory storage that is full. ok is false when there is none.
func (p *Partition) Evict() (job segment.TrimJob, ok bool) {
	if p.log.Segments() < 2 {
		return job, false
	}
	return p.log.Trim(1), true
}

// ActiveEmpty tells whether the active segment holds nothing that could be sealed.
func (p *Partition) ActiveEmpty() bool { return p.log.ActiveEmpty() }

// TrimBefore lets go of the sealed segments that end at or before an offset: what they say is said again after it.
func (p *Partition) TrimBefore(offset int64) segment.TrimJob {
	n := 0
	for s := range p.log.Sealed(0) {
		if s.Next > offset {
			break
		}
		n++
	}
	return p.log.Trim(n)
}
