package oracle

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/instance"
)

// Ledger is the oracle for the records of one topic. Writers share it; the checks belong to the test's goroutine while
// no writer runs.
type Ledger struct {
	Topic string

	partitions int
	mu         sync.Mutex
	sent       []*sending
	acked      int           // how many of them were acknowledged
	ackedRecs  int           // the records in those
	busy       time.Duration // how long Load wrote until it had enough
	rated      int           // how many were acknowledged by then

	// owned by the checks
	sentIDs  map[string]bool
	seen     map[string]place
	start    map[int]int64 // per partition: below it retention took records away
	next     map[int]int64 // per partition: the offset up to which all is checked
	settled  int           // how many of sent
	excused  int           // acknowledged records that are gone, as a power cut may have it
	verdicts map[Verdict]int
}

// Verdict is what can be wrong with a record.
type Verdict string

// What the checks count.
const (
	Lost       Verdict = "lost"         // acknowledged, and not there
	Doubled    Verdict = "doubled"      // there twice
	OutOfPlace Verdict = "out of place" // not at its offset, or torn, or never sent, or refused and there all the same
)

// tell is how many faults are told one by one.
const tell = 5

// sending is one request. Its records' keys and values are ids that no other record of the test has.
type sending struct {
	ids     map[int][]string // by the partition that Kafka's partitioner gives
	count   int
	acked   bool
	at      time.Time     // when acked
	refused bool          // the answer said that nothing was stored
	excused bool          // acked, but a power cut may have taken it
	base    map[int]int64 // the first offset in each partition, when acked
}

type place struct {
	partition int
	offset    int64
}

// NewLedger makes the ledger of a topic that is empty.
func NewLedger(topic string, partitions int) *Ledger {
	return &Ledger{
		Topic: topic, partitions: partitions, sentIDs: map[string]bool{}, seen: map[string]place{},
		start: map[int]int64{}, next: map[int]int64{}, verdicts: map[Verdict]int{},
	}
}

// begin notes a request of n records before it is sent, to a partition or (-1) to where their keys belong. The first
// record's id is padded to so many bytes.
func (l *Ledger) begin(partition, n, size int) *sending {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &sending{ids: map[int][]string{}, count: n}
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic("")
	for i := range n {
		id := fmt.Sprintf("request-%d-record-%d", len(l.sent), i)
		if pad := size - len(id); i == 0 && pad > 0 {
			id += "-" + string(bytes.Repeat([]byte{'x'}, pad))
		}
		p := partition
		if p < 0 {
			p = partitioner.Partition(&kgo.Record{Key: []byte(key(id))}, l.partitions)
		}
		s.ids[p] = append(s.ids[p], id)
	}
	l.sent = append(l.sent, s)
	return s
}

// key is a record's key: its id, as far as a key may be long.
func key(id string) string { return id[:min(len(id), 100)] }

func (s *sending) ndjson() []byte {
	var b bytes.Buffer
	for _, ids := range s.ids {
		for _, id := range ids {
			fmt.Fprintf(&b, "{\"key\":%q,\"value\":%q}\n", key(id), id)
		}
	}
	return b.Bytes()
}

// ack notes the answer of a request.
func (l *Ledger) ack(s *sending, answer instance.Produced) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked++
	l.ackedRecs += s.count
	s.acked, s.at, s.base = true, time.Now(), map[int]int64{}
	for _, p := range answer.Partitions {
		s.base[p.Partition] = p.BaseOffset
	}
}

func (l *Ledger) refuse(s *sending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.refused = true
}

// Answered tells how many requests were acknowledged.
func (l *Ledger) Answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// Acknowledged tells how many records were.
func (l *Ledger) Acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ackedRecs
}

// Excused tells how many acknowledged records were missing as Since allows.
func (l *Ledger) Excused() int { return l.excused }

// Rate is acknowledged requests a second of Load.
func (l *Ledger) Rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy == 0 {
		return 0
	}
	return float64(l.rated) / l.busy.Seconds()
}

// String is the one line of a run.
func (l *Ledger) String() string {
	line := fmt.Sprintf("%d records acknowledged, %d lost, %d doubled, %d out of place",
		l.Acknowledged(), l.verdicts[Lost], l.verdicts[Doubled], l.verdicts[OutOfPlace])
	if rate := l.Rate(); rate > 0 {
		line += fmt.Sprintf(", %.0f acknowledged requests a second", rate)
	}
	return line
}

// Sum adds up the ledgers of several runs.
type Sum struct {
	Acknowledged, Excused int
	verdicts              map[Verdict]int
	busy                  time.Duration
	rated                 int
}

// Add takes a ledger whose run is over.
func (s *Sum) Add(l *Ledger) {
	if s.verdicts == nil {
		s.verdicts = map[Verdict]int{}
	}
	for v, n := range l.verdicts {
		s.verdicts[v] += n
	}
	s.Acknowledged += l.Acknowledged()
	s.Excused += l.excused
	s.busy += l.busy
	s.rated += l.rated
}

func (s Sum) String() string {
	l := Ledger{ackedRecs: s.Acknowledged, verdicts: s.verdicts, busy: s.busy, rated: s.rated}
	return l.String()
}

// Copy is a ledger that has seen nothing yet, with what was sent and acknowledged until now: to judge a copy of the data
// folder while writers go on with the original. Acknowledgements from since on may be lost; the zero time is none.
func (l *Ledger) Copy(since time.Time) *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := NewLedger(l.Topic, l.partitions)
	c.acked, c.ackedRecs, c.busy, c.rated = l.acked, l.ackedRecs, l.busy, l.rated
	for _, s := range l.sent {
		same := *s
		same.excused = s.acked && !since.IsZero() && !s.at.Before(since)
		c.sent = append(c.sent, &same)
	}
	return c
}
