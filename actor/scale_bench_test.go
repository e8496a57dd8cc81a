package actor

import (
	"bytes"
	"os"
	"runtime"
	"testing"
	"time"

	"flashq/broker/brokertest"
)

// BenchmarkOpenMany says how long a start with 10,000 partitions takes, each of which holds a record, and what one of
// them costs that nobody uses, beside the collector's.
func BenchmarkOpenMany(b *testing.B) {
	const partitions = 10_000
	dir := b.TempDir()
	config := Config{Dir: dir, MaxPartitions: partitions, Fsync: FsyncNever}
	engine := mustOpen(b, config)
	t := brokertest.Make(b, engine, "t", partitions)
	for i := range partitions {
		brokertest.Append(b, t, brokertest.Part(i, 1, "x"))
	}
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
	var held, took float64
	for b.Loop() {
		before := live()
		begun := time.Now()
		engine := mustOpen(b, config)
		took += time.Since(begun).Seconds()
		held += live() - before
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(took/float64(b.N), "s/open")
	b.ReportMetric(held/float64(b.N*partitions), "B/partition")
}

// live is what is in use of heap and stacks, in bytes.
func live() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkManySegments says what a partition with 10,000 sealed segments costs: a start, memory, and descriptors, which
// Linux alone counts.
func BenchmarkManySegments(b *testing.B) {
	const segments = 10_000
	dir := b.TempDir()
	config := Config{Dir: dir, SegmentBytes: 1 << 10, Fsync: FsyncNever}
	engine := mustOpen(b, config)
	t := brokertest.Make(b, engine, "t", 1)
	value := string(bytes.Repeat([]byte("x"), 1000))
	for range segments {
		brokertest.Append(b, t, brokertest.Part(0, 1, value))
	}
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
	var held, took, files float64
	for b.Loop() {
		before, open := live(), descriptors()
		begun := time.Now()
		engine := mustOpen(b, config)
		took += time.Since(begun).Seconds()
		held += live() - before
		files += float64(descriptors() - open)
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(took/float64(b.N), "s/open")
	b.ReportMetric(held/float64(b.N*segments), "B/segment")
	b.ReportMetric(files/float64(b.N), "descriptors")
}

func descriptors() int {
	open, _ := os.ReadDir("/proc/self/fd") // elsewhere there is none
	return len(open)
}
