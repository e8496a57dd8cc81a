package storm

import (
	"strconv"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// CheckAll judges a topic in which nothing but this storm has written: the answers fill each partition from 0 to its
// high watermark, each offset once; what can be read is what they say; and what a client has sent later comes later.
// Retention may have taken what stood first.
func (s *Storm) CheckAll(t testing.TB, broker *instance.Instance) {
	t.Helper()
	said := s.said(t)
	page := broker.Fetch(t, s.Topic, "max_records=1")
	for _, p := range page.Partitions {
		if int64(len(said[p.Partition])) != p.HighWaterMark {
			s.wrong(t, "partition %d has %d records, answers tell of %d", p.Partition, p.HighWaterMark, len(said[p.Partition]))
		}
		s.checkOrder(t, p.Partition, said[p.Partition])
	}
	read, _ := broker.ReadFrom(t, s.Topic, "")
	for partition, records := range read {
		for i, r := range records {
			if want := said[partition][r.Offset]; r.Value == nil || *r.Value != want {
				s.wrong(t, "partition %d, offset %d holds %s instead of %q", partition, r.Offset, instance.Text(r.Value), want)
			}
			if i > 0 && r.Offset != records[i-1].Offset+1 {
				s.wrong(t, "partition %d: offset %d comes after %d", partition, r.Offset, records[i-1].Offset)
			}
		}
	}
}

// said is which record is where, by the answers.
func (s *Storm) said(t testing.TB) map[int]map[int64]string {
	t.Helper()
	said := map[int]map[int64]string{}
	for p := range s.Partitions {
		said[p] = map[int64]string{}
	}
	for _, sent := range s.clients {
		for _, r := range sent {
			last := map[int]int64{}
			for i, at := range r.placed.Offsets {
				if other, taken := said[at.Partition][at.Offset]; taken {
					s.wrong(t, "%q and %q are both said to be at %+v", r.ids[i], other, at)
				}
				said[at.Partition][at.Offset] = r.ids[i]
				if before, some := last[at.Partition]; some && at.Offset != before+1 {
					s.wrong(t, "%q is said to be at %+v, the one before it in its request at %d", r.ids[i], at, before)
				}
				last[at.Partition] = at.Offset
			}
		}
	}
	return said
}

// checkOrder wants what a client has sent one after the other to stand so.
func (s *Storm) checkOrder(t testing.TB, partition int, said map[int64]string) {
	t.Helper()
	last := map[string]int{}
	for offset := range int64(len(said)) {
		parts := strings.SplitN(said[offset], ".", 3)
		if len(parts) != 3 {
			s.wrong(t, "partition %d: no answer tells of offset %d", partition, offset)
			continue
		}
		number, err := strconv.Atoi(parts[1])
		if err != nil || number < last[parts[0]] {
			s.wrong(t, "partition %d, offset %d: client %s, request %d comes after request %d (%v)", partition, offset,
				parts[0], number, last[parts[0]], err)
		}
		last[parts[0]] = number
	}
}

// Repeat sends one in so many requests once more: each gets its first answer, also where retention took the records.
func (s *Storm) Repeat(t testing.TB, oneIn int) {
	t.Helper()
	s.each(t, oneIn, s.repeat)
}

// Misuse sends another request under one in so many keys: none is taken.
func (s *Storm) Misuse(t testing.TB, oneIn int) {
	t.Helper()
	s.each(t, oneIn, s.misuse)
}
