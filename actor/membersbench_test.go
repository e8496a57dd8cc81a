package actor

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"flashq/broker"
	"flashq/broker/brokertest"
)

// benchGroups has topic t, of as many partitions as a topic may have.
func benchGroups(b *testing.B, c Config) *Broker {
	b.Helper()
	engine := mustOpen(b, c)
	b.Cleanup(func() { _ = engine.Close() })
	topic := brokertest.Make(b, engine, "t", 256)
	brokertest.Append(b, topic, brokertest.Part(0, 1, "x"))
	return engine
}

// BenchmarkHeartbeat is a member's call that changes nothing, alone and among 1000 members of its group.
func BenchmarkHeartbeat(b *testing.B) {
	for _, members := range []int{1, 1000} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%dmembers/%dcallers", members, callers), func(b *testing.B) {
				engine := benchGroups(b, Config{})
				for i := range members {
					brokertest.Join(b, engine, fetchAs("g", fmt.Sprint("m", i), "t"))
				}
				var next atomic.Int64
				b.ReportAllocs()
				b.SetParallelism(max(callers/runtime.GOMAXPROCS(0), 1))
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					c := fetchAs("g", fmt.Sprint("m", int(next.Add(1))%members), "t")
					for pb.Next() {
						if _, err := engine.Join(context.Background(), c); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkCommit moves one offset: as a member's ack with its fetch, and by a group without members.
func BenchmarkCommit(b *testing.B) {
	for _, kind := range []string{"memory", "file"} {
		for _, member := range []bool{false, true} {
			for _, callers := range []int{1, 64} {
				name := map[bool]string{false: "commit", true: "ack"}[member]
				b.Run(fmt.Sprintf("%s/%s/%dcallers", kind, name, callers), func(b *testing.B) {
					c := Config{}
					if kind == "file" {
						c.Dir = b.TempDir()
					}
					engine := benchGroups(b, c)
					var next atomic.Int64
					b.ReportAllocs()
					b.SetParallelism(max(callers/runtime.GOMAXPROCS(0), 1))
					b.ResetTimer()
					b.RunParallel(func(pb *testing.PB) { commitUntil(b, engine, fmt.Sprint("g", next.Add(1)), member, pb.Next) })
				})
			}
		}
	}
}

func commitUntil(b *testing.B, engine *Broker, group string, member bool, more func() bool) {
	call := fetchAs(group, "m", "t")
	if member {
		m, err := engine.Join(context.Background(), call)
		if err != nil {
			b.Error(err)
			return
		}
		call.Generation = int64(m.Generation)
	}
	for i := int64(0); more(); i++ {
		var err error
		if offset := (broker.CommitOffset{Topic: "t", Offset: i % 2}); member {
			call.Ack = []broker.CommitOffset{offset} // every other one was acknowledged already, as by a retry
			_, err = engine.Join(context.Background(), call)
		} else {
			_, err = engine.Commit(context.Background(), broker.Commit{
				Group: group, Create: true, Offsets: []broker.CommitOffset{offset},
			})
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

// BenchmarkJoin is the price of a member more, and of its end: what it asks for is dealt out anew. 5 ms of a shard are the
// most that they may take. Where topics are apart, each member asks for the ones after its predecessor's first.
func BenchmarkJoin(b *testing.B) {
	for _, c := range []struct{ members, topics, partitions, apart int }{
		{1, 1, 256, 0}, {100, 1, 256, 0}, {999, 1, 256, 0}, {999, 100, 1, 0}, {999, 100, 16, 0}, {999, 100, 256, 0},
		{999, 100, 16, 1},
	} {
		b.Run(fmt.Sprintf("%dmembers/%dtopics/%dpartitions/%dapart", c.members, c.topics, c.partitions, c.apart), func(b *testing.B) {
			engine := mustOpen(b, Config{MaxMemberTopics: 1_000_000})
			b.Cleanup(func() { _ = engine.Close() })
			names := make([]string, c.topics+c.members*c.apart)
			for i := range names {
				names[i] = fmt.Sprint("t", i)
				brokertest.Make(b, engine, names[i], c.partitions)
			}
			join := func(name string, like int) {
				brokertest.Join(b, engine, fetchAs("g", name, names[like*c.apart:][:c.topics]...))
			}
			for range 2 { // the second time they take what is meant for them
				for i := range c.members {
					join(fmt.Sprint("m", i), i)
				}
			}
			for b.Loop() {
				join("one-more", c.members/2)
				if err := engine.Leave(context.Background(), "g", "one-more"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdleMembers tells what 10,000 members cost that wait for their leases' end, in ten groups.
func BenchmarkIdleMembers(b *testing.B) {
	const members = 10_000
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	for b.Loop() {
		engine := benchGroups(b, Config{})
		before := heap()
		for i := range members {
			brokertest.Join(b, engine, fetchAs(fmt.Sprint("g", i%10), fmt.Sprintf("member-%05d", i), "t"))
		}
		b.ReportMetric(float64(heap()-before)/members, "B/member")
		runtime.KeepAlive(engine)
	}
}
