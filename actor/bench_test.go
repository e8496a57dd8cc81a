package actor

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"flashq/broker"
	"flashq/broker/brokertest"
)

func benchTopic(b *testing.B, c Config) broker.Topic {
	b.Helper()
	engine := mustOpen(b, c)
	b.Cleanup(func() { _ = engine.Close() })
	return brokertest.Make(b, engine, "t", 1)
}

// BenchmarkAppend hands one small batch to the owner: the price of a hop there and back, with 1 and with 64 callers.
func BenchmarkAppend(b *testing.B) {
	for name, c := range map[string]Config{
		"memory": {MemoryBytes: 256 << 20}, "file": {Dir: "file"},
	} {
		for _, callers := range []int{1, 64} {
			b.Run(name+map[int]string{1: "/alone", 64: "/64callers"}[callers], func(b *testing.B) {
				if c.Dir != "" {
					c.Dir = b.TempDir()
				}
				t := benchTopic(b, c)
				size := len(brokertest.Part(0, 1, strings.Repeat("x", 100)).Batch)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.SetParallelism(max(callers/runtime.GOMAXPROCS(0), 1))
				b.RunParallel(func(pb *testing.PB) {
					parts := []broker.Part{brokertest.Part(0, 1, strings.Repeat("x", 100))}
					for pb.Next() {
						if err := t.Append(parts, false); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkSnapshot is what every fetch costs the owner.
func BenchmarkSnapshot(b *testing.B) {
	t := benchTopic(b, Config{MemoryBytes: 64 << 20})
	brokertest.Append(b, t, brokertest.Part(0, 1, "x"))
	b.ReportAllocs()
	for b.Loop() {
		s, err := t.Snapshot(context.Background(), 0)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// BenchmarkIdlePartitions says what a partition costs that nobody uses.
func BenchmarkIdlePartitions(b *testing.B) {
	const partitions = 10_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		engine := mustOpen(b, Config{MaxPartitions: partitions})
		brokertest.Make(b, engine, "t", partitions)
		runtime.GC()
		runtime.ReadMemStats(&after)
		total := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
		b.ReportMetric(float64(total)/partitions, "B/partition")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/partitions, "goroutines/partition")
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
