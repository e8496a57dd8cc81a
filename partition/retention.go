package partition

import (
	"math"

	"flashq/segment"
)

// Retention says how much a partition keeps: whole segments, oldest first. Ms and Bytes below 0 are no bound.
type Retention struct {
	Ms           int64
	Bytes        int64
	SegmentBytes int64 // where the log rolls, 0 is the default
	SegmentMs    int64 // how long after its first append it does at the latest, 0 is never
}

const (
	// overtime is how long beyond Ms a record may stay, or a quarter of Ms where that is more: whole segments go, and
	// others of its segment arrived later. So much of it is left to those who look, seal and remove.
	overtime  = 5000
	unhurried = 3000
	// forever is so far away that it may be added to any moment.
	forever = math.MaxInt64 / 4
)

// rollAge is how old the active segment may get, counted from the arrival of its first record.
func (r Retention) rollAge() int64 {
	age := int64(forever)
	if r.SegmentMs > 0 {
		age = min(age, r.SegmentMs)
	}
	if r.Ms >= 0 {
		age = min(age, max(r.Ms/4, overtime)-unhurried)
	}
	return age
}

// SetRetention changes it; the next Expired goes by it.
func (p *Partition) SetRetention(r Retention) {
	p.retention = r
	p.log.SetSegmentBytes(r.SegmentBytes)
}

// Expired is the offset before which retention keeps nothing, where a segment begins. By size: as long as what would
// be left still holds Bytes, as Kafka counts. By age: a segment whose last record arrived more than Ms ago. TrimBefore
// lets it go.
func (p *Partition) Expired(now segment.Moment) int64 {
	before, left := p.log.Start(), p.log.Bytes()
	for s := range p.log.Sealed() {
		tooMuch := p.retention.Bytes >= 0 && left-s.Bytes >= p.retention.Bytes
		tooOld := p.retention.Ms >= 0 && now.Steady-s.Arrived > p.retention.Ms
		if !tooMuch && !tooOld {
			break
		}
		left -= s.Bytes
		before = s.End
	}
	return before
}

// RollDue tells whether the active segment is so old that it has to be sealed: only a sealed one can go.
func (p *Partition) RollDue(now segment.Moment) bool {
	began, ok := p.log.ActiveBegan()
	return ok && began+p.retention.rollAge() <= now.Steady
}

// NextLook is the moment, by the steady clock, when age next makes RollDue true or gives Expired something.
func (p *Partition) NextLook() int64 {
	next := int64(forever)
	if began, ok := p.log.ActiveBegan(); ok {
		next = min(next, began+p.retention.rollAge())
	}
	if p.retention.Ms >= 0 {
		for s := range p.log.Sealed() {
			return min(next, s.Arrived+min(p.retention.Ms, forever)+1)
		}
	}
	return next
}

// Evict lets go of the oldest sealed segment, for memory storage that is full. ok is false when there is none.
func (p *Partition) Evict() (job segment.TrimJob, ok bool) {
	if p.log.Segments() < 2 {
		return job, false
	}
	return p.log.Trim(1), true
}

// ActiveBytes is the size of the active segment.
func (p *Partition) ActiveBytes() int64 { return p.log.ActiveBytes() }

// ActiveEmpty tells whether the active segment holds nothing that could be sealed.
func (p *Partition) ActiveEmpty() bool { return p.log.ActiveEmpty() }

// TrimBefore lets go of the sealed segments that end at or before an offset.
func (p *Partition) TrimBefore(offset int64) segment.TrimJob {
	n := 0
	for s := range p.log.Sealed() {
		if s.End > offset {
			break
		}
		n++
	}
	return p.log.Trim(n)
}

// Removals are the removals of the sealed segments that end at or before an offset, one by one and oldest first,
// without letting go of them: for who has to remove before they are let go.
func (p *Partition) Removals(offset int64) []segment.TrimJob {
	var jobs []segment.TrimJob
	for s := range p.log.Sealed() {
		if s.End > offset {
			break
		}
		jobs = append(jobs, p.log.Removal(s.End))
	}
	return jobs
}

// Cleanup removes what an earlier trim left behind.
func (p *Partition) Cleanup() segment.TrimJob { return p.log.Cleanup() }
