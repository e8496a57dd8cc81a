package brokertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
)

// Run holds an engine to the contract. open gives an empty engine for each test; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b broker.Broker)
	}{
		{"topics", testTopics},
		{"configuration", testConfiguration},
		{"append and read", testAppendAndRead},
		{"several partitions", testPartitions},
		{"several batches a part", testSeveralBatches},
		{"producers", testProducers},
		{"a producer's last five batches", testLastFiveBatches},
		{"a part that is refused", testRefusedPart},
		{"keys", testKeys},
		{"keys of several batches", testKeyedBatches},
		{"a key that is refused", testRefusedKey},
		{"snapshots do not change", testSnapshot},
		{"offset for time", testOffsetForTime},
		{"broker time does not go back", testBrokerTime},
		{"watch", testWatch},
		{"delete", testDelete},
		{"groups", testGroups},
		{"commits", testCommits},
		{"start at the latest", testStartLatest},
		{"members", testMembers},
		{"members and others", testMembersAndOthers},
		{"members' topics", testMembersTopics},
		{"commits go with their topic", testCommitsGoWithTheirTopic},
		{"errors say what they are about", testSubjects},
		{"figures", testFigures},
		{"traffic", testTraffic},
		{"close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			defer func() {
				if err := b.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(t, b)
		})
	}
}

func testTopics(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	if _, err := b.Topic(ctx, "none"); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("unknown topic: %v", err)
	}
	for _, name := range []string{"b", "a", "c.d-e_f"} {
		if _, created, err := b.CreateTopic(ctx, name, broker.TopicChange{Partitions: 2}); err != nil || !created {
			t.Errorf("create %s: %v %v", name, created, err)
		}
	}
	if _, created, err := b.CreateTopic(ctx, "a", broker.TopicChange{}); err != nil || created {
		t.Errorf("create again: %v %v", created, err)
	}
	_, _, err := b.CreateTopic(ctx, "a", broker.TopicChange{Partitions: 3})
	if !errors.Is(err, broker.ErrPartitionsImmutable) {
		t.Errorf("other partition count: %v", err)
	}
	topics, err := b.Topics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range topics {
		names = append(names, topic.Name())
	}
	if fmt.Sprint(names) != "[a b c.d-e_f]" {
		t.Errorf("topics are %v", names)
	}
}

func testConfiguration(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	made := Make(t, b, "t", 1)
	if c := made.Config(); c.Partitions != 1 || c.RetentionMs != -1 || c.RetentionBytes != -1 {
		t.Errorf("defaults are %+v", c)
	}
	ms, size := int64(60_000), int64(1<<20)
	if _, _, err := b.CreateTopic(ctx, "t", broker.TopicChange{RetentionMs: &ms}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.CreateTopic(ctx, "t", broker.TopicChange{RetentionBytes: &size}); err != nil {
		t.Fatal(err)
	}
	again, err := b.Topic(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	if c := again.Config(); c.RetentionMs != ms || c.RetentionBytes != size {
		t.Errorf("after two changes: %+v", c)
	}
	bad := int64(-2)
	if _, _, err := b.CreateTopic(ctx, "t", broker.TopicChange{RetentionMs: &bad}); !errors.Is(err, broker.ErrInvalid) {
		t.Errorf("retention -2: %v", err)
	}
	if again.Config().RetentionMs != ms {
		t.Error("a refused change had an effect")
	}
}

func testAppendAndRead(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	for i := range 50 {
		Append(t, topic, Part(0, int64(1000+i), fmt.Sprint(2*i), fmt.Sprint(2*i+1)))
	}
	for _, from := range []int64{0, 1, 2, 57, 99} {
		got := ReadAll(t, topic, 0, from)
		if int64(len(got)) != 100-from {
			t.Fatalf("%d records from %d", len(got), from)
		}
		for i, v := range got {
			if v != fmt.Sprint(from+int64(i)) {
				t.Fatalf("offset %d holds %q", from+int64(i), v)
			}
		}
	}
	if got := ReadAll(t, topic, 0, 100); len(got) != 0 {
		t.Errorf("beyond the end: %v", got)
	}
	s, err := topic.Stats(context.Background(), 0)
	if err != nil || s.LogStart != 0 || s.HighWatermark != 100 || s.Bytes <= 0 || s.FirstTimestamp != 1000 ||
		s.LastTimestamp != 1049 {
		t.Errorf("stats: %+v %v", s, err)
	}
	first := snapshot(t, topic, 0)
	defer first.Close()
	if data, err := first.Read(nil, 0, 1); err != nil || len(data) == 0 {
		t.Errorf("the first batch is larger than 1 byte and must come all the same: %d %v", len(data), err)
	}
}

func testPartitions(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 3)
	parts := []broker.Part{Part(2, 5, "a", "b"), Part(0, 5, "c")}
	if err := topic.Append(parts, broker.How{Sync: true}); err != nil {
		t.Fatal(err)
	}
	Append(t, topic, Part(2, 6, "d"))
	if parts[0].BaseOffset != 0 || !parts[0].Stored || parts[0].Timestamp != 5 {
		t.Errorf("answer %+v", parts[0])
	}
	for p, want := range []string{"[c]", "[]", "[a b d]"} {
		if got := fmt.Sprint(ReadAll(t, topic, p, 0)); got != want {
			t.Errorf("partition %d holds %s, want %s", p, got, want)
		}
	}
	err := topic.Append([]broker.Part{Part(0, 7, "no"), Part(3, 7, "no")}, broker.How{})
	if !errors.Is(err, broker.ErrPartitionNotFound) {
		t.Errorf("unknown partition: %v", err)
	}
	if got := ReadAll(t, topic, 0, 0); len(got) != 1 {
		t.Errorf("a refused request stored %v", got)
	}
	if _, err := topic.Snapshot(context.Background(), -1); !errors.Is(err, broker.ErrPartitionNotFound) {
		t.Errorf("snapshot of partition -1: %v", err)
	}
}

func testSeveralBatches(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 2)
	Append(t, topic, Part(0, 4, "before"))
	parts := []broker.Part{Batches(0, 5, "a b", "c", "d e f"), Batches(1, 7, "g", "h")}
	if err := topic.Append(parts, broker.How{Sync: true}); err != nil {
		t.Fatal(err)
	}
	Append(t, topic, Part(0, 9, "after"))
	for _, row := range []struct {
		what                       string
		base, time, wantAt, wantTS int64
	}{
		{"first", parts[0].BaseOffset, parts[0].Timestamp, 1, 5},
		{"second", parts[0].Rest[0].BaseOffset, parts[0].Rest[0].Timestamp, 3, 6},
		{"third", parts[0].Rest[1].BaseOffset, parts[0].Rest[1].Timestamp, 4, 7},
		{"other partition's second", parts[1].Rest[0].BaseOffset, parts[1].Rest[0].Timestamp, 1, 8},
	} {
		if row.base != row.wantAt || row.time != row.wantTS {
			t.Errorf("%s batch: offset %d, timestamp %d", row.what, row.base, row.time)
		}
	}
	if !parts[0].Stored || parts[0].Adopted {
		t.Errorf("answer %+v", parts[0])
	}
	for p, want := range []string{"[before a b c d e f after]", "[g h]"} {
		if got := fmt.Sprint(ReadAll(t, topic, p, 0)); got != want {
			t.Errorf("partition %d holds %s, want %s", p, got, want)
		}
	}
}

func testSnapshot(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	Append(t, topic, Part(0, 1, "a"))
	s := snapshot(t, topic, 0)
	defer s.Close()
	Append(t, topic, Part(0, 2, "b"))
	if s.HighWatermark() != 1 {
		t.Errorf("high watermark %d of a snapshot before the second record", s.HighWatermark())
	}
	data, err := s.Read(nil, 0, 1<<20)
	if got := values(t, data, 0); err != nil || fmt.Sprint(got) != "[a]" {
		t.Errorf("the snapshot holds %v, %v", got, err)
	}
}

func testOffsetForTime(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	for _, ts := range []int64{100, 200, 150, 300} {
		Append(t, topic, Part(0, ts, "x", "y"))
	}
	s := snapshot(t, topic, 0)
	defer s.Close()
	for _, row := range []struct {
		millis, offset int64
		ok             bool
	}{{0, 0, true}, {100, 0, true}, {101, 2, true}, {200, 2, true}, {201, 6, true}, {300, 6, true}, {301, 0, false}} {
		offset, _, ok, err := s.OffsetForTime(broker.TimeSearch{Millis: row.millis})
		if err != nil || ok != row.ok || ok && offset != row.offset {
			t.Errorf("offset for %d: %d %v %v", row.millis, offset, ok, err)
		}
	}
	for from, want := range map[int64]int64{0: 2, 3: 3, 4: 6, 7: 7, 8: -1} {
		offset, _, ok, err := s.OffsetForTime(broker.TimeSearch{Millis: 200, From: from})
		if err != nil || ok != (want >= 0) || ok && offset != want {
			t.Errorf("offset for 200 from %d: %d %v %v, want %d", from, offset, ok, err, want)
		}
	}
}

func testBrokerTime(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	for i, row := range []struct {
		millis int64
		own    bool // the client's, who says so
		want   int64
	}{
		{5000, false, 5000}, {4000, false, 5000}, {3000, true, 3000}, {9000, true, 9000}, {4000, false, 5000},
		{6000, false, 6000},
	} {
		parts := []broker.Part{Part(0, row.millis, fmt.Sprint(i))}
		parts[0].BrokerTime = !row.own
		if err := topic.Append(parts, broker.How{}); err != nil || parts[0].Timestamp != row.want {
			t.Errorf("%d: timestamp %d, want %d: %v", i, parts[0].Timestamp, row.want, err)
		}
	}
	if got := ReadAll(t, topic, 0, 0); len(got) != 6 {
		t.Errorf("holds %v", got)
	}
}

func testWatch(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 2)
	w := &broker.Waiter{Ready: make(chan struct{}, 1)}
	watches := []*broker.Watch{{Waiter: w}, {Waiter: w}}
	for p, watch := range watches {
		if err := topic.Watch(p, watch); err != nil {
			t.Fatal(err)
		}
	}
	Append(t, topic, Part(1, 1, "news"))
	<-w.Ready
	if !watches[1].Fired.Load() || watches[0].Fired.Load() {
		t.Errorf("fired: %v %v", watches[0].Fired.Load(), watches[1].Fired.Load())
	}
	seen := &broker.Watch{Waiter: w} // it has seen nothing, and there is something
	if err := topic.Watch(1, seen); err != nil {
		t.Fatal(err)
	}
	<-w.Ready
	if err := b.DeleteTopic(context.Background(), "t"); err != nil {
		t.Fatal(err)
	}
	<-w.Ready
	w.Gone.Store(true)
	topic.Leave(0, watches[0])
}

func testDelete(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	topic := Make(t, b, "t", 1)
	Append(t, topic, Part(0, 1, "old"))
	if err := b.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteTopic(ctx, "t"); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("deleting twice: %v", err)
	}
	if err := topic.Append([]broker.Part{Part(0, 1, "x")}, broker.How{}); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("append to a deleted topic: %v", err)
	}
	if _, err := topic.Snapshot(ctx, 0); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("snapshot of a deleted topic: %v", err)
	}
	again := Make(t, b, "t", 2)
	if got := ReadAll(t, again, 0, 0); len(got) != 0 {
		t.Errorf("a new topic of the same name holds %v", got)
	}
}

func testClose(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(); !errors.Is(err, broker.ErrDraining) {
		t.Errorf("ready: %v", err)
	}
	if err := topic.Append([]broker.Part{Part(0, 1, "x")}, broker.How{}); !errors.Is(err, broker.ErrDraining) {
		t.Errorf("append: %v", err)
	}
	if _, _, err := b.CreateTopic(context.Background(), "u", broker.TopicChange{}); !errors.Is(err, broker.ErrDraining) {
		t.Errorf("create: %v", err)
	}
}
