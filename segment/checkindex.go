package segment

import "errors"

// claims are what the index files of a segment say of its log, until the log has borne them out.
type claims struct {
	read           bool
	offsets        map[uint32]uint32 // position by the last offset of its batch
	times          map[uint32]int64  // largest timestamp so far, by the last offset of its batch
	nOffsets       int
	nTimes         int
	offsetsInOrder bool
	timesInOrder   bool
}

// claims reads both index files. One that can't be read is told, and claims nothing.
func (c Check) claims(base int64) claims {
	x := claims{offsets: map[uint32]uint32{}, times: map[uint32]int64{}, offsetsInOrder: true, timesInOrder: true}
	lastOffset, lastTime := int64(-1), int64(-1)
	offsets := entriesOf(c, base, indexSuffix, indexEntrySize, offsetsInFile, func(e indexEntry) {
		x.offsetsInOrder = x.offsetsInOrder && int64(e.rel) > lastOffset
		lastOffset = int64(e.rel)
		x.offsets[e.rel] = e.pos
		x.nOffsets++
	})
	times := entriesOf(c, base, timeIndexSuffix, timeEntrySize, timesInFile, func(e timeEntry) {
		x.timesInOrder = x.timesInOrder && e.ts > lastTime
		lastTime = e.ts
		x.times[e.rel] = e.ts
		x.nTimes++
	})
	x.read = offsets && times
	return x
}

// entriesOf reads an index file, and tells what is wrong with it where that shows without its log.
func entriesOf[E any](
	c Check, base int64, suffix string, entrySize int64, open func(File) (lookup[E], error), each func(E),
) bool {
	f, err := c.FS.Open(c.Dir + "/" + fileName(base, suffix))
	if errors.Is(err, ErrNotExist) {
		c.fault(base, suffix, false, "is missing; the next start makes it anew")
		return false
	}
	size, entries := int64(0), lookup[E]{}
	if err == nil {
		defer f.Close() //nolint:errcheck // it was only read
		size, err = f.Size()
	}
	if err == nil {
		entries, err = open(f)
	}
	for i := 0; i < entries.n && err == nil; i++ {
		var e E
		if e, err = entries.at(i); err == nil {
			each(e)
		}
	}
	switch {
	case err != nil:
		c.fault(base, suffix, false, "can't be read: %v", err)
	case size%entrySize != 0:
		c.fault(base, suffix, false, "does not end with a whole entry; the next start makes it anew")
	default:
		return true
	}
	return false
}

// bear takes away the claims that a batch bears out: one that begins at pos and ends at the relative offset rel, with
// maxTS the largest timestamp up to it.
func (x claims) bear(rel, pos uint32, maxTS int64) {
	if p, ok := x.offsets[rel]; ok && p == pos {
		delete(x.offsets, rel)
	}
	if ts, ok := x.times[rel]; ok && ts == maxTS {
		delete(x.times, rel)
	}
}

// judge tells of claims that nothing bears out, and of entries that should be there; the log has been walked.
func (c Check) judge(base int64, x claims, s walked) {
	s.addTime() // the entry with which each segment ends
	for _, index := range []struct {
		suffix           string
		wrong, has, want int
		inOrder          bool
	}{
		{indexSuffix, len(x.offsets), x.nOffsets, len(s.offsets), x.offsetsInOrder},
		{timeIndexSuffix, len(x.times), x.nTimes, len(s.times), x.timesInOrder},
	} {
		const costs = "no answer is wrong by it, but searches are slow; remove it, and the next start makes it anew"
		switch {
		case index.wrong > 0 || !index.inOrder:
			c.fault(base, index.suffix, false, "does not fit its log (%s)", costs)
		case index.has < index.want:
			c.fault(base, index.suffix, false, "has %d of %d entries (%s)", index.has, index.want, costs)
		}
	}
}
