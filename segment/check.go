package segment

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"flashq/segment/batch"
)

// Fault is one thing that is wrong on the disk.
type Fault struct {
	Name string // of the file or folder, below the FS's root
	What string // in words
	// Lost tells that records can't be read for it. Any other fault costs time at most, or mends itself at the next start.
	Lost bool
}

// Checked sums up what a check has read.
type Checked struct {
	Segments, Records, Bytes int64
	// Torn counts the bytes at the end of the last segment that are no whole batch.
	Torn int64
}

// Check is a walk over all of one log's files that changes none of them.
type Check struct {
	FS  FS
	Dir string
	// Clean tells that the log was closed as it should be: only then is the last segment's index told to be whole.
	Clean bool
	// PowerCut is as in Config.
	PowerCut bool
	// LogStart is as in Config: what is left of older segments is removed by the next start, and not looked at.
	LogStart int64
	// See is given every good batch; its error is a fault. It may be nil.
	See func(batch.Batch) error
	// Found is told of every fault.
	Found func(Fault)
}

// Run does it.
func (c Check) Run() (sum Checked) {
	names, err := c.FS.ReadDir(c.Dir)
	if err != nil {
		c.Found(Fault{Name: c.Dir, What: fmt.Sprintf("can't be read: %v", err), Lost: true})
		return sum
	}
	bases := keptOf(c.logs(names), c.LogStart)
	c.orphans(names, bases)
	sealed := map[int64]sealedInfo{}
	next := int64(0)
	for i, base := range bases {
		if i > 0 && base != next && base > c.LogStart {
			c.fault(base, logSuffix, base > next, "begins at offset %d, and the segment before it ends before %d", base, next)
		}
		last := i == len(bases)-1
		s, size, ok := c.segment(base, last)
		next = s.next
		if !ok { // how far it goes is not known
			if !last {
				next = bases[i+1]
			}
			continue
		}
		sum.Segments++
		sum.Records += s.records
		sum.Bytes += size
		if last {
			sum.Torn = size - s.end
		}
		if !last && len(s.damage) == 0 {
			sealed[base] = sealedInfo{base: base, next: s.next, size: size, firstTS: s.firstTS, maxTS: s.maxTS}
		}
	}
	c.checkpoint(sealed)
	c.epochs(next)
	c.producers(names, next)
	c.notes(names)
	if c.LogStart > next && len(bases) > 0 && !c.PowerCut {
		c.Found(Fault{Name: c.Dir, What: fmt.Sprintf("is said to begin at offset %d, and ends before %d; a broker does not "+
			"believe that", c.LogStart, next)})
	}
	return sum
}

func (c Check) fault(base int64, suffix string, lost bool, format string, args ...any) {
	c.Found(Fault{Name: c.Dir + "/" + fileName(base, suffix), What: fmt.Sprintf(format, args...), Lost: lost})
}

// logs lists the segments, and tells of names that are none.
func (c Check) logs(names []string) (bases []int64) {
	for _, name := range names {
		base, suffix, err := baseOf(name)
		switch {
		case err != nil && suffix == logSuffix:
			c.Found(Fault{Name: c.Dir + "/" + name, Lost: true,
				What: "begins at an offset that no log gets to: a broker does not open this one"})
		case suffix == logSuffix:
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases
}

// orphans tells of files whose log is gone.
func (c Check) orphans(names []string, bases []int64) {
	for _, name := range names {
		base, suffix, err := baseOf(name)
		if err == nil && suffix != "" && suffix != logSuffix && base >= c.LogStart && !slices.Contains(bases, base) {
			what := "is an index without a log"
			if suffix == notesSuffix {
				what = "is of a log that is gone"
			}
			c.fault(base, suffix, false, "%s", what)
		}
	}
}

// segment walks one log file, and holds its index files against it.
func (c Check) segment(base int64, last bool) (s walked, size int64, ok bool) {
	f, err := c.FS.Open(c.Dir + "/" + fileName(base, logSuffix))
	if err == nil {
		size, err = f.Size()
		var claims claims
		if !last || c.Clean {
			claims = c.claims(base)
		}
		if err == nil {
			s, err = c.walk(f, base, size, claims)
		}
		err = errors.Join(err, f.Close())
		if err == nil && claims.read && len(s.damage) == 0 {
			c.judge(base, claims, s)
		}
	}
	if err != nil {
		c.fault(base, logSuffix, true, "can't be read: %v", err)
		return s, size, false
	}
	for _, d := range s.damage {
		c.fault(base, logSuffix, true, "%s", damagedOffsets(d.First, d.Next))
	}
	if torn := size - s.end; torn > 0 && last {
		c.fault(base, logSuffix, false, "ends with %d bytes of a write that was cut short; the next start cuts them off "+
			"and keeps them as %s", torn, brokenSuffix)
	} else if torn > 0 {
		c.fault(base, logSuffix, false, "ends with %d bytes that are no records", torn)
	}
	return s, size, true
}

// walked is a scan with a count.
type walked struct {
	scan

	records int64
}

// walk is scanLog with somebody who looks at each batch.
func (c Check) walk(f io.ReaderAt, base, size int64, claims claims) (s walked, err error) {
	s.scan, err = scanLog(f, base, size, c.PowerCut, func(b batch.Batch, pos, maxTS int64) {
		s.records += int64(b.LastOffsetDelta()) + 1
		claims.bear(uint32(b.LastOffset()-base), uint32(pos), maxTS)
		c.look(base, b)
	})
	return s, err
}

// look reads what is in a good batch.
func (c Check) look(base int64, b batch.Batch) {
	var err error
	if b.Codec() == 0 {
		err = b.CheckRecords()
	}
	if err == nil && c.See != nil {
		err = c.See(b)
	}
	if err != nil {
		c.fault(base, logSuffix, true, "offset %d: %v", b.BaseOffset(), err)
	}
}

// checkpoint holds the lines of segments.checkpoint against the segments that are whole.
func (c Check) checkpoint(sealed map[int64]sealedInfo) {
	name := c.Dir + "/" + checkpointName
	data, err := ReadFile(c.FS, name)
	if errors.Is(err, ErrNotExist) {
		return
	}
	tell := func(format string, args ...any) { c.Found(Fault{Name: name, What: fmt.Sprintf(format, args...)}) }
	if err != nil {
		tell("can't be read: %v", err)
		return
	}
	number, known := 0, map[int64]sealedInfo{} // the last line of a segment counts
	for line := range strings.Lines(string(data)) {
		number++
		s, ok := parseLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			tell("line %d can't be read: the next start reads that segment", number)
			continue
		}
		known[s.base] = s
	}
	for _, base := range slices.Sorted(maps.Keys(sealed)) {
		if s, ok := known[base]; ok && s != sealed[base] {
			tell("says of segment %d what is not so; without this file the next start reads all segments", base)
		}
	}
}

// epochs reads the leader epochs of a log that ends before next.
func (c Check) epochs(next int64) {
	name := c.Dir + "/" + epochsName
	tell := func(what string) { c.Found(Fault{Name: name, What: what}) }
	data, err := ReadFile(c.FS, name)
	if errors.Is(err, ErrNotExist) {
		return
	}
	if err != nil {
		tell(fmt.Sprintf("can't be read: %v", err))
		return
	}
	epochs, whole := ParseEpochs(data)
	if !whole {
		tell("is not whole; what can be read of it counts")
	}
	for i, e := range epochs {
		if i > 0 && (e.Epoch <= epochs[i-1].Epoch || e.Start < epochs[i-1].Start) {
			tell(fmt.Sprintf("leader epoch %d from offset %d on stands after epoch %d from %d on", e.Epoch, e.Start,
				epochs[i-1].Epoch, epochs[i-1].Start))
		}
		if e.Start > next {
			tell(fmt.Sprintf("leader epoch %d begins at offset %d, and the log ends before %d", e.Epoch, e.Start, next))
		}
	}
}
