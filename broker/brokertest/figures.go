package brokertest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"flashq/broker"
)

// testFigures: what is told without asking an owner is what the owner says, as soon as the change was answered.
func testFigures(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	topic := Make(t, b, "t", 2)
	for i := range 30 {
		Append(t, topic, Part(i%2, 1000, fmt.Sprint("value ", i)))
		g := topic.Glance(i % 2) // before the owner has had another turn
		s, err := topic.Stats(ctx, i%2)
		if err != nil {
			t.Fatal(err)
		}
		want := broker.Glance{LogStart: s.LogStart, HighWatermark: s.HighWatermark, Bytes: s.Bytes}
		if g != want || g.HighWatermark == 0 {
			t.Fatalf("at a glance %+v, asked %+v", g, want)
		}
	}
	if g := topic.Glance(2); !g.Down {
		t.Errorf("a partition that is not there: %+v", g)
	}
	Commit(t, b, broker.Commit{Group: "g", Create: true, Offsets: offsets("t", 3)})
	if _, err := b.PutGroup(ctx, "h", ""); err != nil {
		t.Fatal(err)
	}
	g := b.Gauges()
	if g.Topics.Used != 1 || g.Partitions.Used != 2 || g.Groups.Used != 2 || g.FailedPartitions+g.FullPartitions != 0 {
		t.Errorf("gauges %+v", g)
	}
	var groups []string
	err := b.EachGroup(ctx, func(g broker.Group) bool {
		groups = append(groups, fmt.Sprint(g.Name, len(g.Offsets)))
		return true
	})
	if slices.Sort(groups); err != nil || fmt.Sprint(groups) != "[g1 h0]" {
		t.Errorf("groups %v, %v", groups, err)
	}
	visits := 0
	_ = b.EachGroup(ctx, func(broker.Group) bool { visits++; return false })
	ended, cancel := context.WithCancel(ctx)
	if cancel(); visits != 1 {
		t.Errorf("%d groups after the visitor had enough", visits)
	}
	_ = b.EachGroup(ended, func(broker.Group) bool { return true }) // returns
}

// testTraffic: what is counted of a topic goes on when one of its name is made anew, and is that of the topic alone.
func testTraffic(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	Make(t, b, "t", 1).Traffic().Produced(5, 500)
	Make(t, b, "u", 1).Traffic().Consumed(1, 1)
	if err := b.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	var names []string
	b.EachTopic(func(t broker.Topic) bool {
		names = append(names, t.Name())
		return true
	})
	if fmt.Sprint(names) != "[u]" {
		t.Errorf("topics %v", names)
	}
	again := Make(t, b, "t", 1).Traffic()
	if again.Flows().RecordsIn != 5 || again.Flows().BytesIn != 500 || again.Flows().RecordsOut != 0 {
		t.Errorf("%d records in, %d bytes", again.Flows().RecordsIn, again.Flows().BytesIn)
	}
}
