package partition

import (
	"testing"

	"flashq/broker"
	"flashq/segment"
)

// BenchmarkAppend stamps and writes groups of 32 parts.
func BenchmarkAppend(b *testing.B) {
	p := open(b, segment.NewMemory(0), Config{Retention: Retention{Ms: -1, Bytes: 1 << 20, SegmentBytes: 8 << 20}})
	group := make([]*broker.Part, 32)
	size := 0
	for i := range group {
		group[i] = part(1, 4)
		size += len(group[i].Batch)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if p.Fit(group) < len(group) {
			roll(b, p)
			if err := p.TrimBefore(p.Expired(at(1))).Run(); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.Append(at(1), group); err != nil {
			b.Fatal(err)
		}
	}
}
