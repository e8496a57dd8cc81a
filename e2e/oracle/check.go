package oracle

import (
	"testing"

	"flashq/e2e/instance"
)

// wrong counts a fault, and tells the first ones.
func (l *Ledger) wrong(t testing.TB, v Verdict, format string, args ...any) {
	t.Helper()
	if l.verdicts[v]++; l.verdicts[v] <= tell {
		t.Errorf(string(v)+": "+format, args...)
	}
}

// end ends a test that found a fault.
func (l *Ledger) end(t testing.TB) {
	t.Helper()
	if len(l.verdicts) > 0 {
		t.Fatalf("%s: %s", l.Topic, l)
	}
}

// TrimmedBelow tells that retention took away what a partition had below an offset.
func (l *Ledger) TrimmedBelow(partition int, offset int64) {
	l.start[partition] = max(l.start[partition], offset)
	l.next[partition] = max(l.next[partition], offset)
}

// Check judges what was read since the last check: offsets are dense, every record was sent and stands there once, each
// acknowledged one where its answer said, and of a request without an answer each partition holds all or nothing.
func (l *Ledger) Check(t testing.TB, got map[int][]instance.Record) {
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
	l.end(t)
}

func (l *Ledger) checkRecord(t testing.TB, p int, r instance.Record) {
	t.Helper()
	if r.Offset != l.next[p] {
		l.wrong(t, OutOfPlace, "partition %d: offset %d where %d comes next", p, r.Offset, l.next[p])
	}
	l.next[p] = r.Offset + 1
	if r.Value == nil || r.Key == nil || *r.Key != key(*r.Value) || !l.sentIDs[*r.Value] {
		l.wrong(t, OutOfPlace, "partition %d: offset %d holds %.100s, which nobody sent", p, r.Offset, instance.Text(r.Value))
		return
	}
	if at, twice := l.seen[*r.Value]; twice {
		l.wrong(t, Doubled, "partition %d: offset %d holds %.100s, which is also at %+v", p, r.Offset, *r.Value, at)
	}
	l.seen[*r.Value] = place{p, r.Offset}
}

// settle judges what one request stored in one partition, after everything readable was read.
func (l *Ledger) settle(t testing.TB, s *sending, p int, ids []string) {
	t.Helper()
	first, stored := l.seen[ids[0]]
	switch {
	case s.acked && !stored && s.base[p] < l.start[p]:
		return // retention took it
	case s.acked && !stored && s.excused:
		l.excused += len(ids)
		return
	case s.acked && !stored:
		l.verdicts[Lost] += len(ids) - 1
		l.wrong(t, Lost, "%.100s was acknowledged at %+v", ids[0], place{p, s.base[p]})
		return
	case s.acked && first.offset != s.base[p]:
		l.wrong(t, OutOfPlace, "%.100s was acknowledged at %+v and is at %+v", ids[0], place{p, s.base[p]}, first)
	case s.refused && stored:
		l.wrong(t, OutOfPlace, "%.100s was refused as not stored and is at %+v", ids[0], first)
	}
	for i, id := range ids {
		at, ok := l.seen[id]
		if ok != stored || stored && at != (place{p, first.offset + int64(i)}) {
			l.wrong(t, OutOfPlace, "%.100s: stored %v, at %+v; the first of its request: stored %v, at %+v",
				id, ok, at, stored, first)
		}
	}
}

// CheckAll judges a read of everything from the beginning: nothing that was checked before is gone or changed.
func (l *Ledger) CheckAll(t testing.TB, got map[int][]instance.Record) {
	t.Helper()
	fresh := NewLedger(l.Topic, l.partitions)
	fresh.sent = l.sent
	fresh.Check(t, got)
	if len(fresh.seen) != len(l.seen) {
		l.wrong(t, Lost, "%d records at the end, %d were seen before", len(fresh.seen), len(l.seen))
	}
	l.end(t)
}

// CheckAnswered judges a clean end: what is stored was answered.
func (l *Ledger) CheckAnswered(t testing.TB) {
	t.Helper()
	for _, s := range l.sent {
		for p, ids := range s.ids {
			if at, stored := l.seen[ids[0]]; stored && !s.acked {
				l.wrong(t, OutOfPlace, "%s is at partition %d, offset %d, but its request got no answer", ids[0], p, at.offset)
			}
		}
	}
	l.end(t)
}

// CheckFrom reads on from a position ("" is the beginning), judges that and gives the position after it.
func (l *Ledger) CheckFrom(t testing.TB, broker *instance.Instance, position string) string {
	t.Helper()
	got, position := broker.ReadFrom(t, l.Topic, position)
	l.Check(t, got)
	return position
}
