package brokertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
)

// offsets is a commit of one topic's partitions, from 0 on.
func offsets(topic string, offsets ...int64) (list []broker.CommitOffset) {
	for p, o := range offsets {
		list = append(list, broker.CommitOffset{Topic: topic, Partition: p, Offset: o, Metadata: "m"})
	}
	return list
}

// Commit stores offsets for a group.
func Commit(t testing.TB, b broker.Broker, c broker.Commit) []broker.Committed {
	t.Helper()
	done, err := b.Commit(context.Background(), c)
	if err != nil {
		t.Fatalf("commit for %s: %v", c.Group, err)
	}
	return done
}

// Offsets gives a group's commits as text: topic-partition@offset.
func Offsets(t testing.TB, b broker.Broker, group, topic string) string {
	t.Helper()
	g, err := b.Group(context.Background(), group, topic)
	if err != nil {
		t.Fatalf("group %s: %v", group, err)
	}
	all := []string{}
	for _, o := range g.Offsets {
		all = append(all, fmt.Sprintf("%s-%d@%d", o.Topic, o.Partition, o.Offset))
	}
	return fmt.Sprint(all)
}

func testGroups(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	for _, missing := range []error{
		second(b.Group(ctx, "none", "")), b.DeleteGroup(ctx, "none", false),
		second(b.Commit(ctx, broker.Commit{Group: "none"})), b.Leave(ctx, "none", "m"),
		second(b.Join(ctx, broker.MemberCall{Group: "none", Member: "m"})),
	} {
		if !errors.Is(missing, broker.ErrGroupNotFound) {
			t.Errorf("an unknown group: %v", missing)
		}
	}
	const early, late = broker.StartEarliest, broker.StartLatest
	for _, step := range []struct {
		start, want string
		created     bool
	}{{late, late, true}, {"", late, false}, {early, early, false}} {
		created, err := b.PutGroup(ctx, "g", step.start)
		g, found := b.Group(ctx, "g", "")
		if err != nil || found != nil || created != step.created || g.Start != step.want || g.Name != "g" {
			t.Errorf("put %q: created %v, %+v, %v %v", step.start, created, g, err, found)
		}
	}
	if _, err := b.PutGroup(ctx, "a", ""); err != nil {
		t.Fatal(err)
	}
	all, err := b.Groups(ctx, "")
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "g" {
		t.Errorf("groups: %+v %v", all, err)
	}
	if err := b.DeleteGroup(ctx, "a", false); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Groups(ctx, ""); err != nil || len(all) != 1 {
		t.Errorf("after a deletion: %+v %v", all, err)
	}
}

// second gives a call's error.
func second[T any](_ T, err error) error { return err }

func testCommits(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	topic := Make(t, b, "t", 2)
	Append(t, topic, Part(0, 1, "a", "b", "c"))
	Append(t, topic, Part(1, 1, "d"))
	c := broker.Commit{Group: "g", Create: true, Offsets: offsets("t", 3, 1)}
	dry := c
	dry.DryRun = true
	if done := Commit(t, b, dry); done[0].Previous != -1 || done[0].Offset != 3 {
		t.Errorf("dry run: %+v", done)
	}
	if _, err := b.Group(ctx, "g", ""); !errors.Is(err, broker.ErrGroupNotFound) {
		t.Errorf("a dry run made the group: %v", err)
	}
	Commit(t, b, c)
	back := Commit(t, b, broker.Commit{Group: "g", Offsets: offsets("t", 1)})
	if back[0].Previous != 3 || back[0].Offset != 1 {
		t.Errorf("moving back: %+v", back)
	}
	done := Commit(t, b, broker.Commit{Group: "g", Ack: true, Offsets: offsets("t", 2, 0)})
	if done[0].Offset != 2 || done[1].Offset != 1 || done[1].Previous != 1 || done[1].Timestamp == 0 {
		t.Errorf("ack: %+v", done)
	}
	if got := Offsets(t, b, "g", "t"); got != "[t-0@2 t-1@1]" {
		t.Errorf("committed %s", got)
	}
	for _, refused := range []struct {
		offsets []broker.CommitOffset
		want    error
	}{
		{offsets("none", 0), broker.ErrTopicNotFound},
		{offsets("t", 0, 0, 0), broker.ErrPartitionNotFound},
	} {
		if _, err := b.Commit(ctx, broker.Commit{Group: "g", Offsets: refused.offsets}); !errors.Is(err, refused.want) {
			t.Errorf("%+v: %v", refused.offsets, err)
		}
	}
	for _, bad := range []int64{-1, 2} {
		_, err := b.Commit(ctx, broker.Commit{Group: "g", Offsets: offsets("t", 0, bad)})
		var off *broker.OffsetError
		if !errors.As(err, &off) || off.Index != 1 || off.HighWatermark != 1 || off.Offset != bad {
			t.Errorf("offset %d: %v", bad, err)
		}
	}
	if got := Offsets(t, b, "g", ""); got != "[t-0@2 t-1@1]" {
		t.Errorf("a refused commit left %s", got)
	}
}

func testCommitsGoWithTheirTopic(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	Append(t, Make(t, b, "t", 1), Part(0, 1, "a", "b"))
	Make(t, b, "u", 1)
	Commit(t, b, broker.Commit{Group: "both", Create: true, Offsets: append(offsets("t", 2), offsets("u", 0)...)})
	Commit(t, b, broker.Commit{Group: "one", Create: true, Offsets: offsets("t", 1)})
	if list, err := b.Groups(ctx, "u"); err != nil || len(list) != 1 || list[0].Name != "both" {
		t.Errorf("groups of u: %+v %v", list, err)
	}
	if err := b.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	Make(t, b, "t", 1)
	if got := Offsets(t, b, "both", ""); got != "[u-0@0]" {
		t.Errorf("after the topic was made anew: %s", got)
	}
	if _, err := b.Group(ctx, "one", ""); !errors.Is(err, broker.ErrGroupNotFound) {
		t.Errorf("a group without commits: %v", err)
	}
}

// testStartLatest has a group begin where a topic ended when it first met it: what comes after that comes, whenever
// somebody reads.
func testStartLatest(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	topic := Make(t, b, "t", 2)
	Append(t, topic, Part(0, 1, "a", "b"))
	more := func() {
		Append(t, topic, Part(0, 1, "c"))
		Append(t, topic, Part(1, 1, "d"))
	}
	for _, name := range []string{"reader", "member", "early"} {
		start := broker.StartLatest
		if name == "early" {
			start = broker.StartEarliest
		}
		if _, err := b.PutGroup(ctx, name, start); err != nil {
			t.Fatal(err)
		}
	}
	if got := Offsets(t, b, "reader", "t"); got != "[]" {
		t.Errorf("a look alone met the topic: %s", got)
	}
	member := broker.MemberCall{Group: "member", Member: "m", Topics: []string{"t", "later"}, Topic: "t"}
	if m := Join(t, b, member); fmt.Sprint(m.Met) != "[t]" || len(m.Offsets) != 2 || m.Offsets[0].Metadata != "" {
		t.Errorf("joined: %+v", m)
	}
	for range 2 { // the second time, there is more
		met(t, b, "early", "t", "[]")
		met(t, b, "reader", "t", "[t-0@2 t-1@0]")
		met(t, b, "reader", "later", "[]")
		if m := Join(t, b, member); m.Offsets[0].Offset != 2 || m.Offsets[1].Offset != 0 {
			t.Errorf("joined again: %+v", m)
		}
		more()
	}
	Append(t, Make(t, b, "later", 1), Part(0, 1, "all of it"))
	if err := b.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	topic = Make(t, b, "t", 2)
	more()
	for _, name := range []string{"reader", "member"} {
		met(t, b, name, "later", "[]")
		met(t, b, name, "t", "[]")
		if g, err := b.Group(ctx, name, ""); err != nil || fmt.Sprint(g.Met) != "[later t]" {
			t.Errorf("%s has met %v %v", name, g.Met, err)
		}
	}
	if _, err := b.Meet(ctx, "none", "t"); !errors.Is(err, broker.ErrGroupNotFound) {
		t.Errorf("an unknown group: %v", err)
	}
}

// met has somebody who reads for a group meet a topic, and checks where it begins there; what is not named begins at 0.
func met(t *testing.T, b broker.Broker, group, topic, want string) {
	t.Helper()
	g, err := b.Meet(context.Background(), group, topic)
	late := g.Start == broker.StartLatest
	if got := Offsets(t, b, group, topic); err != nil || got != want || (len(g.Met) == 1) != late || len(g.Offsets) > 2 {
		t.Errorf("%s meets %s: %s, want %s; %+v %v", group, topic, got, want, g, err)
	}
}
