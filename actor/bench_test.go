package actor

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

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

// BenchmarkKeyedAppend is BenchmarkAppend's lone caller with a new key for each request.
func BenchmarkKeyedAppend(b *testing.B) {
	for _, name := range []string{"memory", "file"} {
		b.Run(name, func(b *testing.B) {
			c := Config{MemoryBytes: 256 << 20, MaxKeys: 1 << 30}
			if name == "file" {
				c.Dir = b.TempDir()
			}
			t := benchTopic(b, c)
			parts := []broker.Part{brokertest.Part(0, 1, strings.Repeat("x", 100))}
			b.ReportAllocs()
			for i := range b.N {
				key := broker.Key{Name: strconv.Itoa(i), Digest: [16]byte{1}}
				if err := t.Append(parts, broker.How{Key: &key}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReplay answers the same request again and again.
func BenchmarkReplay(b *testing.B) {
	t := benchTopic(b, Config{MemoryBytes: 256 << 20})
	parts := []broker.Part{brokertest.Part(0, 1, strings.Repeat("x", 100))}
	b.ReportAllocs()
	for b.Loop() {
		key := broker.Key{Name: "k", Digest: [16]byte{1}}
		if err := t.Append(parts, broker.How{Key: &key}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKnownKeys says what a million keys hold, table and partition together, beside records that are gone by then;
// and how long a roll takes to save them.
func BenchmarkKnownKeys(b *testing.B) {
	const keys = 1_000_000
	for b.Loop() {
		engine := mustOpen(b, Config{Dir: b.TempDir(), MaxKeys: keys, Fsync: FsyncNever, SegmentBytes: 1 << 30})
		t := brokertest.Make(b, engine, "t", 1)
		parts := []broker.Part{brokertest.Part(0, 1, strings.Repeat("x", 100))}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range keys {
			key := broker.Key{Name: strconv.Itoa(i), Digest: [16]byte{1}}
			if err := t.Append(parts, broker.How{Key: &key}); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/keys, "B/key")
		began := time.Now()
		found, _ := engine.Topic(context.Background(), "t")
		a := found.(*topic).actors[0]
		a.ask(func() {
			job := a.part.SaveProducers()
			job.Collect()
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "collect-ms")
			if err := job.Run(); err != nil {
				b.Error(err)
			}
		})
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "save-ms")
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
