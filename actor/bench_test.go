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
						if err := t.Append(parts, broker.How{}); err != nil {
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

// BenchmarkIdlePartitions says what a partition costs that nobody uses, and what making one leaves to the collector,
// which is resident too until it next runs.
func BenchmarkIdlePartitions(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchIdle(b, 10_000, func() string { return "" }) })
	b.Run("file", func(b *testing.B) { benchIdle(b, 1000, b.TempDir) })
}

func benchIdle(b *testing.B, partitions int, folder func() string) {
	var held, garbage, goroutines float64
	for b.Loop() {
		config := Config{Dir: folder(), MaxPartitions: partitions}
		var before, made, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		running := runtime.NumGoroutine()
		engine := mustOpen(b, config)
		brokertest.Make(b, engine, "t", partitions)
		runtime.ReadMemStats(&made)
		runtime.GC()
		runtime.ReadMemStats(&after)
		held += float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
		garbage += float64(made.TotalAlloc-before.TotalAlloc) - (float64(after.HeapAlloc) - float64(before.HeapAlloc))
		goroutines += float64(runtime.NumGoroutine() - running)
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
	all := float64(b.N * partitions)
	b.ReportMetric(held/all, "B/partition")
	b.ReportMetric(garbage/all, "garbage-B/partition")
	b.ReportMetric(goroutines/all, "goroutines/partition")
}
