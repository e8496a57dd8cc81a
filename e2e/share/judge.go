package share

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// Figures are what a run comes to.
type Figures struct {
	Records    int // in the log
	Deliveries int // of them, written out
	Again      int // of those, not for the first time
	Fenced     int
	Generation int64
}

func (f Figures) String() string {
	return fmt.Sprintf("%d records, %d deliveries, %d of them again, %d acknowledgements fenced, generation %d",
		f.Records, f.Deliveries, f.Again, f.Fenced, f.Generation)
}

// Judge compares what consumers wrote with what the log holds, by partition. excused tells whether that consumer may
// have lost its membership before then: it was frozen, or the broker killed, or the machine stood still.
func (h *History) Judge(t testing.TB, log map[int][]instance.Record, excused func(name string, at time.Time) bool) Figures {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.strange {
		t.Errorf("nobody should say: %s", line)
	}
	var f Figures
	for name, l := range h.lives {
		f.Fenced += len(l.fences)
		for _, at := range l.fences {
			if !excused(name, at) {
				t.Errorf("%s was fenced at %s, although it never was away", name, at.Format(time.TimeOnly+".000"))
			}
		}
		for i, p := range l.pages {
			f.Generation = max(f.Generation, p.Group.Generation)
			if i > 0 && p.Group.Generation < l.pages[i-1].Group.Generation {
				t.Errorf("%s: generation %d after %d", name, p.Group.Generation, l.pages[i-1].Group.Generation)
			}
		}
	}
	for partition, records := range log {
		f.Records += len(records)
		w := walk{Figures: &f, t: t, partition: partition, log: records, seen: make([]int, len(records))}
		w.follow(h.turns(partition))
	}
	return f
}

// turns are the pages that were read from a partition, in the order of the broker: a partition has one owner in a
// generation, and a consumer writes in its own order.
func (h *History) turns(partition int) (all []*page) {
	for _, l := range h.lives {
		for _, p := range l.pages {
			if p.progress(partition) != nil {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b *page) int {
		return cmp.Or(cmp.Compare(a.Group.Generation, b.Group.Generation), strings.Compare(a.consumer, b.consumer),
			cmp.Compare(a.turn, b.turn))
	})
	return all
}

func (p *page) progress(partition int) *instance.Progress {
	for i := range p.Partitions {
		if p.Partitions[i].Partition == partition {
			return &p.Partitions[i]
		}
	}
	return nil
}

// walk goes through the pages of one partition. Where the group is committed is known up to what a page's consumer did
// with it last: it acknowledged, or was about to.
type walk struct {
	*Figures

	t         testing.TB
	partition int
	log       []instance.Record
	seen      []int // deliveries of each offset
	maybe     []int64
}

// tell is how many faults of a partition are told.
const tell = 3

func (w *walk) follow(pages []*page) {
	w.t.Helper()
	w.maybe = []int64{0}
	faults := 0
	for i, p := range pages {
		var before *page
		if i > 0 {
			before = pages[i-1]
		}
		if fault := cmp.Or(w.alone(before, p), w.step(p)); fault != "" && faults < tell {
			faults++
			w.t.Errorf("partition %d, %s in generation %d at %s: %s", w.partition, p.consumer, p.Group.Generation,
				p.at.Format(time.TimeOnly+".000"), fault)
		}
	}
	for offset, n := range w.seen {
		w.Deliveries += n
		w.Again += max(n-1, 0)
		if n == 0 && faults < tell {
			faults++
			w.t.Errorf("partition %d: offset %d was never delivered", w.partition, offset)
		}
	}
}

// alone wants one owner at a time.
func (w *walk) alone(before, p *page) string {
	if before == nil || before.consumer == p.consumer || before.Group.Generation < p.Group.Generation {
		return ""
	}
	return before.consumer + " has it in this generation, too"
}

// step wants a page to begin where the group may be committed: so what comes again was not acknowledged, nothing is left
// out, and who read on without being fenced was acknowledged before anybody else read. Then it wants the log's records.
func (w *walk) step(p *page) (fault string) {
	progress := p.progress(w.partition)
	offsets := p.offsets()[w.partition]
	from := progress.NextOffset - int64(len(offsets))
	if at, ok := p.committed(w.partition); ok && at != from {
		fault = fmt.Sprintf("it begins at %d, and says that %d is committed", from, at)
	}
	if !slices.Contains(w.maybe, from) {
		fault = fmt.Sprintf("it begins at %d, the group is at %v", from, w.maybe)
	}
	w.maybe = []int64{from, progress.NextOffset}
	if p.acked {
		w.maybe = w.maybe[1:]
	}
	return cmp.Or(w.compare(p, from), fault)
}

// compare wants a page's records to be those of the log from an offset on.
func (w *walk) compare(p *page, from int64) string {
	for _, r := range p.Records {
		if r.Partition != w.partition {
			continue
		}
		if from >= int64(len(w.log)) || r.Offset != from || instance.Text(r.Value) != instance.Text(w.log[from].Value) {
			return fmt.Sprintf("offset %d holds %s, which is not what the log has at %d", r.Offset, instance.Text(r.Value), from)
		}
		w.seen[from]++
		from++
	}
	return ""
}
