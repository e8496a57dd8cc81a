package metrics

import (
	"sync/atomic"
	"time"
)

// Slots is how many kinds of answers are told apart.
const Slots = 64

// Answers counts the answers of one route by their kind, and how long they took. The zero value is ready, and may be
// used by any number of goroutines.
type Answers struct {
	shards [shards]atomic.Pointer[answersShard] // nil: nothing was counted there
}

type answersShard struct {
	kinds [Slots]atomic.Int64
	sum   atomic.Int64 // nanoseconds
	took  Sketch
}

// Add counts an answer.
func (a *Answers) Add(slot int, took time.Duration) {
	t := turns.Get().(*turn) //nolint:forcetypeassert // the pool makes nothing else
	s := a.shards[t.shard].Load()
	if s == nil {
		a.shards[t.shard].CompareAndSwap(nil, new(answersShard))
		s = a.shards[t.shard].Load()
	}
	s.kinds[slot].Add(1)
	s.sum.Add(int64(took))
	s.took.Add(took)
	turns.Put(t)
}

// Kinds tells how many there were of each kind, and in all.
func (a *Answers) Kinds() (kinds [Slots]int64, all int64) {
	for i := range a.shards {
		s := a.shards[i].Load()
		if s == nil {
			continue
		}
		for k := range kinds {
			n := s.kinds[k].Load()
			kinds[k] += n
			all += n
		}
	}
	return kinds, all
}

// Took adds to c how long they took, and gives that in all.
func (a *Answers) Took(c *Counts) (sum time.Duration) {
	for i := range a.shards {
		if s := a.shards[i].Load(); s != nil {
			s.took.Load(c)
			sum += time.Duration(s.sum.Load())
		}
	}
	return sum
}

// Histogram adds the samples of a histogram, whose bounds are powers of two in microseconds: they lie between the
// sketch's buckets, so that nothing is estimated.
func (t *Part) Histogram(c *Counts, sum time.Duration, labels ...string) {
	n, slot := uint64(0), 0
	for _, b := range sketchBounds {
		for ; slot < b.slot; slot++ {
			n += c[slot]
		}
		t.Suffixed("_bucket", AppendLabels(nil, append(labels, "le", b.le)...), float64(n))
	}
	for ; slot < sketchSize; slot++ {
		n += c[slot]
	}
	t.Suffixed("_bucket", AppendLabels(nil, append(labels, "le", "+Inf")...), float64(n))
	own := AppendLabels(nil, labels...)
	t.Suffixed("_sum", own, sum.Seconds())
	t.Suffixed("_count", own, float64(n))
}
