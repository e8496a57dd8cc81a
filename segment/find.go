package segment

import (
	"errors"
	"io"
	"sort"

	"flashq/segment/batch"
)

// ErrStopped is returned by Find when it was told to stop.
var ErrStopped = errors.New("the search was stopped")

// TimeSearch says what Find looks for: the earliest record from offset From on whose timestamp is at least Millis.
type TimeSearch struct {
	Millis, From int64
	// Unpack gives a compressed batch whose records can be walked, good until its next call; what it can't take apart is
	// damage. Without it a compressed batch counts as a whole: its first record.
	Unpack func(packed batch.Batch) (plain batch.Batch, err error)
	// Stop is asked before each window that is read, the first one aside; true ends the search. nil never does.
	Stop func() bool
}

// Find gives the record that q looks for: its offset and timestamp. ok is false when there is none. Damage on the way
// is a DamagedError, and a file that can't be read an UnreadableError: what they keep from view may be the answer, and
// who looks for the next one searches again from their end. What the indexes know to be earlier is not looked at.
func (v *View) Find(q TimeSearch) (offset, timestamp int64, ok bool, err error) {
	q.From = max(q.From, v.start)
	if q.From >= v.end {
		return 0, 0, false, nil
	}
	i := sort.Search(len(v.sealed), func(i int) bool { return v.sealed[i].lost || v.sealed[i].runMax >= q.Millis })
	for i = max(i, v.find(q.From)); i < v.count(); i++ {
		if v.isEarlier(i, q.Millis) {
			continue
		}
		if offset, timestamp, ok, err = v.findIn(i, &q); err != nil || ok {
			return offset, timestamp, ok, err
		}
	}
	return 0, 0, false, nil
}

// isEarlier tells that no record of a segment is as late as millis. One that ends early may have lost some.
func (v *View) isEarlier(i int, millis int64) bool {
	if i == len(v.sealed) {
		return v.active.maxTS < millis
	}
	return v.sealed[i].maxTS < millis && v.sealed[i].next == v.base(i+1)
}

func (v *View) findIn(i int, q *TimeSearch) (offset, timestamp int64, ok bool, err error) {
	p, err := v.open(i, timeIndexSuffix)
	if err != nil {
		return 0, 0, false, v.unreadable(i, q.From, err)
	}
	defer func() { _ = p.close() }() // opened for reading
	offset, timestamp, ok, err = p.find(q)
	var damaged *DamagedError
	if err != nil && !errors.As(err, &damaged) && !errors.Is(err, ErrStopped) {
		err = v.unreadable(i, q.From, err)
	}
	return offset, timestamp, ok, err
}

// find scans from where the index leads to.
func (p *piece) find(q *TimeSearch) (offset, timestamp int64, ok bool, err error) {
	c := p.begin(q)
	defer func() { c.release() }()
	for windows, start := 0, c.start; c.expected < p.limit; {
		if c.start != start {
			start = c.start
			if windows++; windows == 1 {
				p.leap(&c, q.Millis)
			}
			if q.Stop != nil && q.Stop() {
				return 0, 0, false, ErrStopped
			}
		}
		b, err := c.next()
		switch {
		case err == nil && (b.MaxTimestamp() < q.Millis || b.LastOffset() < q.From):
		case err == nil:
			if offset, timestamp, ok, err = q.firstIn(b); err != nil || ok {
				return offset, timestamp, ok && offset < p.limit, err
			}
		case errors.Is(err, io.EOF) || errors.Is(err, errDamaged):
			if err := p.damage(&c, max(c.expected, q.From)); err != nil {
				return 0, 0, false, err
			}
		default:
			return 0, 0, false, err
		}
	}
	return 0, 0, false, nil
}

// findWindow is how much a search reads at once.
const findWindow = 64 << 10

// begin gives a cursor before which nothing is what q looks for.
func (p *piece) begin(q *TimeSearch) cursor {
	c := p.seekTime(q.Millis)
	if q.From <= c.expected {
		return c
	}
	further := p.seek(q.From, findWindow)
	if further.expected <= c.expected {
		further.release()
		return c
	}
	c.release()
	return further
}

// seekTime gives a cursor after the last entry of the time index below millis: nothing before it is as late.
func (p *piece) seekTime(millis int64) cursor {
	i, err := firstAbove(p.times, func(e timeEntry) bool { return e.ts >= millis })
	if err == nil && i > 0 {
		c, ok := p.afterEntry(i - 1)
		if ok {
			return c
		}
		c.release()
	}
	return newCursor(p.file, 0, p.size, p.base, findWindow)
}

// leap moves a search on that has met nothing in its first window, since a late record stands long before later ones.
// The time index has an entry for each place of the offset index at which the largest timestamp had grown. So what
// holds up to its last entry below millis, that nothing is as late, holds up to the last such place before its next
// entry.
func (p *piece) leap(c *cursor, millis int64) {
	i, err := firstAbove(p.times, func(e timeEntry) bool { return e.ts >= millis })
	if err != nil || i == 0 {
		return
	}
	next := p.next
	if i < p.times.n {
		e, err := p.times.at(i)
		if err != nil {
			return
		}
		next = p.base + int64(e.rel)
	} else if !p.active { // a sealed segment's last entry is its largest timestamp: some are missing
		return
	}
	further := p.seek(next, findWindow)
	if further.pos > c.pos && p.borneOut(i) {
		further, *c = *c, further
	}
	further.release()
}

// borneOut tells whether the entries of the time index around the i-th grow as they must, and the log has what the i-th
// and the one before it say. There is nothing to say after the last one.
func (p *piece) borneOut(i int) bool {
	last := timeEntry{ts: -1}
	for k := max(i-2, 0); k < min(i+1, p.times.n); k++ {
		e, err := p.times.at(k)
		if err != nil || e.ts <= last.ts || e.rel < last.rel {
			return false
		}
		last = e
	}
	for k := i - 1; k < min(i+1, p.times.n); k++ {
		c, ok := p.afterEntry(k)
		c.release()
		if !ok {
			return false
		}
	}
	return true
}

// afterEntry gives a cursor after the batch that an entry of the time index is about; false where the log doesn't bear
// it out.
func (p *piece) afterEntry(i int) (c cursor, ok bool) {
	e, err := p.times.at(i)
	if err != nil {
		return c, false
	}
	last := p.base + int64(e.rel)
	c = p.seek(last, findWindow)
	for c.expected <= last {
		b, err := c.next()
		if err != nil {
			break
		}
		if b.LastOffset() == last {
			return c, b.MaxTimestamp() == e.ts
		}
	}
	return c, false
}

// firstIn finds the record within a batch.
func (q *TimeSearch) firstIn(b batch.Batch) (offset, timestamp int64, ok bool, err error) {
	if b.IsLogAppendTime() || b.Codec() != 0 && q.Unpack == nil {
		return max(b.BaseOffset(), q.From), b.MaxTimestamp(), b.MaxTimestamp() >= q.Millis, nil
	}
	first, end := max(b.BaseOffset(), q.From), b.LastOffset()+1
	plain := b
	if b.Codec() != 0 {
		if plain, err = q.Unpack(b); err != nil {
			return 0, 0, false, &DamagedError{First: first, NextGood: end}
		}
	}
	it := plain.Records()
	for it.Next() {
		offset := b.BaseOffset() + int64(it.Record.OffsetDelta)
		timestamp := b.BaseTimestamp() + it.Record.TimestampDelta
		if offset >= q.From && timestamp >= q.Millis {
			return offset, timestamp, true, nil
		}
		first = max(first, offset+1)
	}
	if it.Err() != nil {
		return 0, 0, false, &DamagedError{First: min(first, end-1), NextGood: end}
	}
	return 0, 0, false, nil
}
