package metrics

import (
	"math/bits"
	"strconv"
	"sync/atomic"
	"time"
)

// Sketch counts durations finely enough for quantiles: to about 3 %. It may be used by any number of goroutines, and
// costs one atomic addition.
type Sketch struct{ counts [sketchSize]atomic.Uint64 }

const (
	// fine is how many parts each power of two has, as bits.
	fine = 4
	// unit is what is told apart at best.
	unit = time.Microsecond
	// widest is the bits of the longest duration that is told apart, in units: 19 hours.
	widest     = 36
	sketchSize = (widest - fine + 1) << fine
)

// Add counts a duration.
func (s *Sketch) Add(d time.Duration) { s.counts[slot(d)].Add(1) }

// slot is the bucket of a duration.
func slot(d time.Duration) int {
	v := uint64(max(d, 0) / unit)
	if v < 1<<fine {
		return int(v)
	}
	shift := bits.Len64(v) - fine - 1
	return min(shift<<fine+int(v>>shift), sketchSize-1)
}

// middle is the duration that a bucket stands for.
func middle(slot int) time.Duration {
	if slot < 1<<(fine+1) {
		return time.Duration(slot)*unit + unit/2
	}
	shift := slot>>fine - 1
	low := (slot&(1<<fine-1) + 1<<fine) << shift
	return time.Duration(low)*unit + unit<<(shift-1)
}

// sketchBounds are the bounds of a histogram that is made of a sketch: the buckets below slot lie below it.
var sketchBounds = func() (all []sketchBound) {
	for d := 64 * unit; d < 20*time.Second; d *= 2 {
		all = append(all, sketchBound{slot(d), strconv.FormatFloat(d.Seconds(), 'g', -1, 64)})
	}
	return all
}()

type sketchBound struct {
	slot int
	le   string
}

// Counts are a sketch's at one moment.
type Counts [sketchSize]uint64

// Load adds the sketch's counts.
func (s *Sketch) Load(to *Counts) {
	for i := range s.counts {
		to[i] += s.counts[i].Load()
	}
}

// Since gives what was counted after an earlier moment, nil for the beginning, and how many durations that is.
func (c *Counts) Since(earlier *Counts) (d Counts, n uint64) {
	d = *c
	for i := range d {
		if earlier != nil {
			d[i] -= earlier[i]
		}
		n += d[i]
	}
	return d, n
}

// Quantile is the duration that a part q of n durations did not exceed, 0 where there is none.
func (c *Counts) Quantile(q float64, n uint64) time.Duration {
	rank := uint64(q * float64(n))
	if n == 0 {
		return 0
	}
	for i, sum := 0, uint64(0); i < sketchSize; i++ {
		if sum += c[i]; sum > rank || sum == n {
			return middle(i)
		}
	}
	return 0
}
