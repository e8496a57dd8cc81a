package group

import (
	"fmt"
	"testing"

	"flashq/broker"
)

// crowd is a group of members and who asks for what.
type crowd struct {
	name                        string
	members, topics, partitions int
	reads                       func(member int) (topics []string)
}

func topicNames(from, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("t%04d", from+i))
	}
	return names
}

// crowds are groups as large as they may be: of one topic, of a hundred each, the same, overlapping, mixed and none in
// common.
func crowds() []crowd {
	same := func(n int) func(int) []string { return func(int) []string { return topicNames(0, n) } }
	window := func(m int) []string { return topicNames(m, 100) }
	mixed := func(m int) []string {
		switch m % 3 {
		case 0:
			return topicNames(0, 100)
		case 1:
			return topicNames(m*7%100, 1)
		}
		return topicNames(m*13%80, 20)
	}
	return []crowd{
		{"two", 1, 1, 256, same(1)},
		{"one topic", 999, 1, 256, same(1)},
		{"same topics of 1", 999, 100, 1, same(100)},
		{"same topics of 16", 999, 100, 16, same(100)},
		{"same topics of 256", 999, 100, 256, same(100)},
		{"window of 1", 999, 1100, 1, window},
		{"window of 16", 999, 1100, 16, window},
		{"window of 256", 999, 1100, 256, window},
		{"mixed of 16", 999, 100, 16, mixed},
		{"mixed of 256", 999, 100, 256, mixed},
		{"own topics of 16", 999, 100_000, 16, func(m int) []string { return topicNames(m*100, 100) }},
	}
}

// gather makes the group; settled has everybody take what is meant for it.
func (c *crowd) gather(w *world, settled bool) {
	for _, name := range topicNames(0, c.topics) {
		w.made++
		w.topics[name] = made{id(name), c.partitions}
	}
	for round := range 3 {
		for m := range c.members {
			c.join(w, m, m)
		}
		if round == 0 && !settled {
			return
		}
	}
}

func (c *crowd) join(w *world, name, like int) {
	_, err := w.join(broker.MemberCall{
		Group: "g", Member: fmt.Sprintf("m%04d", name), Create: true, Topics: c.reads(like),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.log = w.log[:0]
}

// BenchmarkRebalance is what a change of a group's members costs its shard: one more joins, its lease ends.
func BenchmarkRebalance(b *testing.B) {
	for _, c := range crowds() {
		for _, settled := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/settled=%v", c.name, settled), func(b *testing.B) {
				w := newWorld(b)
				c.gather(w, settled)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					c.join(w, 9999, i*101%c.members)
					plan, err := w.shard.Leave("g", "m9999", w.shape, w.now)
					if err != nil {
						b.Fatal(err)
					}
					w.write(plan)
					w.log = w.log[:0]
				}
			})
		}
	}
}

// BenchmarkCall is a member's call that changes nothing.
func BenchmarkCall(b *testing.B) {
	for _, c := range crowds() {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			c.gather(w, true)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				topic := c.reads(i % c.members)[:1]
				_, err := w.join(broker.MemberCall{
					Group: "g", Member: fmt.Sprintf("m%04d", i%c.members), Topics: topic, Add: true, Topic: topic[0],
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
