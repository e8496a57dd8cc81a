package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/instance"
)

// ledger is the oracle: it knows what was sent and what was acknowledged, and judges what is read against that.
// Writers share it; check belongs to the test's goroutine while no writer runs.
type ledger struct {
	mu    sync.Mutex
	sent  []*sending
	acked int // how many of them have an answer

	// owned by check
	sentIDs map[string]bool
	seen    map[string]place
	next    map[int]int64 // per partition: the offset up to which all is checked
	settled int           // how many of sent
}

// sending is one request. Its records' keys and values are ids that no other record of the test has.
type sending struct {
	ids   map[int][]string // by the partition that Kafka's partitioner gives
	count int
	acked bool
	base  map[int]int64 // the first offset in each partition, when acked
}

type place struct {
	partition int
	offset    int64
}

func newLedger() *ledger {
	return &ledger{sentIDs: map[string]bool{}, seen: map[string]place{}, next: map[int]int64{}}
}

// begin notes a request of n records before it is sent.
func (l *ledger) begin(n int) *sending {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &sending{ids: map[int][]string{}, count: n}
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic("")
	for i := range n {
		id := fmt.Sprintf("request-%d-record-%d", len(l.sent), i)
		p := partitioner.Partition(&kgo.Record{Key: []byte(id)}, partitions)
		s.ids[p] = append(s.ids[p], id)
	}
	l.sent = append(l.sent, s)
	return s
}

// ack notes the answer of a request.
func (l *ledger) ack(s *sending, answer instance.Produced) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked++
	s.acked, s.base = true, map[int]int64{}
	for _, p := range answer.Partitions {
		s.base[p.Partition] = p.BaseOffset
	}
}

// answered tells how many requests have an answer.
func (l *ledger) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// check judges what was read since the last check: offsets are dense, every record was sent and stands there once, each
// acknowledged one where its answer said, and of a request without an answer each partition holds all or nothing.
func (l *ledger) check(t *testing.T, got map[int][]instance.Record) {
	t.Helper()
	fresh := l.sent[l.settled:]
	for _, s := range fresh {
		for _, ids := range s.ids {
			for _, id := range ids {
				l.sentIDs[id] = true
			}
		}
	}
	for p, records := range got {
		for _, r := range records {
			l.checkRecord(t, p, r)
		}
	}
	for _, s := range fresh {
		for p, ids := range s.ids {
			l.settle(t, s, p, ids)
		}
	}
	l.settled = len(l.sent)
}

func (l *ledger) checkRecord(t *testing.T, p int, r instance.Record) {
	t.Helper()
	if r.Offset != l.next[p] {
		t.Fatalf("partition %d: offset %d where %d comes next", p, r.Offset, l.next[p])
	}
	l.next[p]++
	if r.Value == nil || r.Key == nil || *r.Key != *r.Value || !l.sentIDs[*r.Value] {
		t.Fatalf("partition %d: offset %d holds %s, which nobody sent", p, r.Offset, instance.Text(r.Value))
	}
	if at, twice := l.seen[*r.Value]; twice {
		t.Fatalf("partition %d: offset %d holds %s, which is also at %+v", p, r.Offset, *r.Value, at)
	}
	l.seen[*r.Value] = place{p, r.Offset}
}

// settle judges what one request stored in one partition, after everything readable was read.
func (l *ledger) settle(t *testing.T, s *sending, p int, ids []string) {
	t.Helper()
	first, stored := l.seen[ids[0]]
	if s.acked && (!stored || first.offset != s.base[p]) {
		t.Fatalf("%s was acknowledged at %+v: stored %v, at %+v", ids[0], place{p, s.base[p]}, stored, first)
	}
	for i, id := range ids {
		at, ok := l.seen[id]
		if ok != stored || stored && at != (place{p, first.offset + int64(i)}) {
			t.Fatalf("%s: stored %v, at %+v; the first of its request: stored %v, at %+v", id, ok, at, stored, first)
		}
	}
}

// checkAll judges a read of everything from the beginning: nothing that was checked before is gone or changed.
func (l *ledger) checkAll(t *testing.T, got map[int][]instance.Record) {
	t.Helper()
	fresh := newLedger()
	fresh.sent = l.sent
	fresh.check(t, got)
	if len(fresh.seen) != len(l.seen) {
		t.Fatalf("%d records at the end, %d were seen before", len(fresh.seen), len(l.seen))
	}
}

// checkAnswered judges a clean end: what is stored was answered.
func (l *ledger) checkAnswered(t *testing.T) {
	t.Helper()
	for _, s := range l.sent {
		for p, ids := range s.ids {
			if at, stored := l.seen[ids[0]]; stored && !s.acked {
				t.Fatalf("%s is stored at partition %d, offset %d, but its request got no answer", ids[0], p, at.offset)
			}
		}
	}
}
