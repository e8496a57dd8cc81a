package share

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"flashq/e2e/instance"
)

// page is one answer that a consumer wrote out.
type page struct {
	Records    []instance.Record   `json:"records"`
	Partitions []instance.Progress `json:"partitions"`
	Group      struct {
		Generation int64  `json:"generation"`
		Assignment []int  `json:"assignment"`
		Committed  string `json:"committed"`
	} `json:"group"`

	consumer string
	turn     int // among its consumer's pages
	at       time.Time
	acked    bool // for certain: the consumer went on without having joined again
}

// life is what is known of one consumer.
type life struct {
	pages   []*page
	loose   *page       // the last page, while nothing says whether it was acknowledged
	fences  []time.Time // of acknowledgements that were refused
	rejoins int
	retries int
	code    int
	ended   bool
}

// History is what the consumers of a group wrote. Any goroutine may call it.
type History struct {
	mu      sync.Mutex
	lives   map[string]*life
	written map[int][]*page // by partition: the pages that have records of it, as they came
	strange []string        // what nobody should have said
}

// NewHistory is of a group that nobody has read for.
func NewHistory() *History { return &History{lives: map[string]*life{}, written: map[int][]*page{}} }

func (h *History) life(name string) *life {
	l := h.lives[name]
	if l == nil {
		l = &life{}
		h.lives[name] = l
	}
	return l
}

// take notes a line that a consumer wrote.
func (h *History) take(name string, at time.Time, line []byte) {
	p := &page{consumer: name, at: at}
	isPage := bytes.HasPrefix(line, []byte("{"))
	var err error
	if isPage {
		err = json.Unmarshal(line, p)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.life(name)
	switch {
	case err != nil:
		h.strange = append(h.strange, fmt.Sprintf("%s: %v: %.200s", name, err, line))
	case isPage:
		if l.loose != nil {
			l.loose.acked = true
		}
		p.turn, l.loose = len(l.pages), p
		l.pages = append(l.pages, p)
		for partition := range p.offsets() {
			h.written[partition] = append(h.written[partition], p)
		}
	default:
		h.heard(l, name, at, string(line))
	}
}

// heard notes what a consumer says on standard error.
func (h *History) heard(l *life, name string, at time.Time, line string) {
	switch {
	case strings.Contains(line, " 409 fenced: "):
		l.fences = append(l.fences, at)
	case strings.Contains(line, "joining again"):
		l.rejoins++
		l.loose = nil
	case strings.Contains(line, "trying again"):
		l.retries++
	case strings.Contains(line, "the broker answers again"):
	default:
		h.strange = append(h.strange, name+": "+line)
	}
}

// end notes how a consumer ended. One that ends well has acknowledged all.
func (h *History) end(name string, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.life(name)
	l.ended, l.code = true, code
	if code == 0 && l.loose != nil {
		l.loose.acked = true
	}
}

// Holding is what a consumer held when it last wrote: the partitions, and in which generation.
func (h *History) Holding(name string) (partitions []int, generation int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.life(name)
	if len(l.pages) == 0 {
		return nil, 0
	}
	last := l.pages[len(l.pages)-1]
	return last.Group.Assignment, last.Group.Generation
}

// Wrote tells whether a consumer wrote records after a time.
func (h *History) Wrote(name string, since time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	pages := h.life(name).pages
	return len(pages) > 0 && pages[len(pages)-1].at.After(since)
}

// Fences counts how often a consumer was told that it is fenced.
func (h *History) Fences(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.life(name).fences)
}

// Retries counts how often consumers met an absent broker, all together.
func (h *History) Retries() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.lives {
		n += l.retries
	}
	return n
}

// Next is when somebody who is not gone first wrote a record of the partition in a later generation. ok is false while
// nobody has.
func (h *History) Next(gone map[string]bool, partition int, generation int64) (first time.Time, ok bool) {
	return h.first(partition, func(p *page) bool { return !gone[p.consumer] && p.Group.Generation > generation })
}

// Since is when somebody first wrote a record of the partition after that time.
func (h *History) Since(partition int, from time.Time) (first time.Time, ok bool) {
	return h.first(partition, func(p *page) bool { return p.at.After(from) })
}

func (h *History) first(partition int, counts func(p *page) bool) (first time.Time, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.written[partition] {
		if counts(p) && (!ok || p.at.Before(first)) {
			first, ok = p.at, true
		}
	}
	return first, ok
}

// offsets are those of the page's records, by partition.
func (p *page) offsets() map[int][]int64 {
	all := map[int][]int64{}
	for i := range p.Records {
		r := &p.Records[i]
		all[r.Partition] = append(all[r.Partition], r.Offset)
	}
	return all
}

// committed is what the page says was committed in a partition when it was read.
func (p *page) committed(partition int) (int64, bool) {
	for mark := range strings.SplitSeq(p.Group.Committed, ",") {
		if where, offset, _ := strings.Cut(mark, ":"); where == strconv.Itoa(partition) {
			n, err := strconv.ParseInt(offset, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
