package brokertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
)

// Join does what a member does.
func Join(t testing.TB, b broker.Broker, c broker.MemberCall) broker.Membership {
	t.Helper()
	m, err := b.Join(context.Background(), c)
	if err != nil {
		t.Fatalf("%s in %s: %v", c.Member, c.Group, err)
	}
	return m
}

// fetch is a call of a member that reads topic t.
func fetch(member string) broker.MemberCall {
	return broker.MemberCall{Group: "g", Member: member, Create: true, Topics: []string{"t"}, Add: true, Topic: "t"}
}

// holds has a member call and checks what it holds then.
func holds(t *testing.T, b broker.Broker, c broker.MemberCall, want string) broker.Membership {
	t.Helper()
	m := Join(t, b, c)
	if got := fmt.Sprint(m.Assignment["t"]); got != want {
		t.Errorf("%s holds %s, want %s", c.Member, got, want)
	}
	return m
}

func acks(member string, generation int64, offsets []broker.CommitOffset) broker.MemberCall {
	c := fetch(member)
	c.Generation, c.Ack = generation, offsets
	return c
}

func testMembers(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	topic := Make(t, b, "t", 2)
	Append(t, topic, Part(0, 1, "a", "b", "c"))
	Append(t, topic, Part(1, 1, "d"))
	first := holds(t, b, fetch("a"), "[0 1]")
	second := holds(t, b, fetch("b"), "[]")
	if second.Generation <= first.Generation || first.Expires == 0 {
		t.Errorf("%+v, then %+v", first, second)
	}
	// What the owner acknowledges in its call counts, and then it lets go.
	a := holds(t, b, acks("a", int64(first.Generation), offsets("t", 2, 1)), "[0]")
	if len(a.Offsets) != 2 || a.Offsets[0].Offset != 2 || a.Offsets[1].Offset != 1 || a.Start != broker.StartEarliest {
		t.Errorf("after its ack: %+v", a)
	}
	if got := holds(t, b, fetch("b"), "[1]").Since; len(got) != 1 || got[0] != second.Generation {
		t.Errorf("what came to it in generation %d it holds since %d", second.Generation, got)
	}
	if got := holds(t, b, fetch("a"), "[0]").Since; len(got) != 1 || got[0] != first.Generation {
		t.Errorf("what it kept since generation %d it holds since %d", first.Generation, got)
	}
	for name, c := range map[string]broker.MemberCall{
		"one of two is another's": acks("a", int64(first.Generation), offsets("t", 3, 1)),
		"no member":               acks("c", int64(second.Generation), offsets("t", 3)),
		"a generation to come":    acks("a", int64(second.Generation)+1, offsets("t", 3)),
	} {
		_, err := b.Join(ctx, c)
		var fenced *broker.FencedError
		if !errors.As(err, &fenced) || fenced.Topic != "t" || fenced.Generation != c.Generation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := Offsets(t, b, "g", ""); got != "[t-0@2 t-1@1]" {
		t.Errorf("a fenced ack left %s", got)
	}
	testNeeds(t, b, int64(second.Generation))
	g, err := b.Group(ctx, "g", "")
	if err != nil || g.Live != 2 || len(g.Members) != 2 || g.Members[1].Name != "b" || fmt.Sprint(g.Topics) != "[t]" ||
		fmt.Sprint(g.Members[1].Assignment) != "map[t:[1]]" || g.Generation != second.Generation {
		t.Errorf("%+v %v", g, err)
	}
	testLeaving(t, b)
}

// testNeeds has a, which holds partition 0 of two, acknowledge with calls that name partitions.
func testNeeds(t *testing.T, b broker.Broker, generation int64) {
	for _, needs := range [][]int{{1}, {0, 1}, {9}, {-1}} {
		c := acks("a", generation, offsets("t", 3))
		c.Needs = needs
		_, err := b.Join(context.Background(), c)
		var fenced *broker.FencedError
		if !errors.As(err, &fenced) || fenced.Index != -1 || fenced.Partition != needs[len(needs)-1] || fenced.Topic != "t" {
			t.Errorf("an ack with partitions %v: %v", needs, err)
		}
		if got := Offsets(t, b, "g", ""); got != "[t-0@2 t-1@1]" {
			t.Errorf("an ack that was refused with partitions %v left %s", needs, got)
		}
	}
	c := acks("a", generation, offsets("t", 2))
	c.Needs = []int{0}
	holds(t, b, c, "[0]")
}

// testLeaving goes on where a and b share topic t.
func testLeaving(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	if err := b.Leave(ctx, "g", "c"); !errors.Is(err, broker.ErrMemberNotFound) {
		t.Errorf("a stranger leaves: %v", err)
	}
	if err := b.Leave(ctx, "g", "a"); err != nil {
		t.Fatal(err)
	}
	holds(t, b, fetch("b"), "[0 1]")
	gone := fetch("a")
	gone.Held = true
	if _, err := b.Join(ctx, gone); !errors.Is(err, broker.ErrMemberNotFound) {
		t.Errorf("one that waited while it left: %v", err)
	}
	if _, err := b.Join(ctx, broker.MemberCall{Group: "g", Member: "x"}); !errors.Is(err, broker.ErrNoTopics) {
		t.Errorf("without topics: %v", err)
	}
}

func testMembersAndOthers(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	Append(t, Make(t, b, "t", 1), Part(0, 1, "a", "b", "c"))
	m := holds(t, b, fetch("a"), "[0]")
	c := broker.Commit{Group: "g", Offsets: offsets("t", 2)}
	for name, err := range map[string]error{
		"commit": second(b.Commit(ctx, c)), "delete": b.DeleteGroup(ctx, "g", false),
	} {
		if !errors.Is(err, broker.ErrGroupActive) {
			t.Errorf("%s beside a member: %v", name, err)
		}
	}
	own := c
	own.Member, own.Generation = "a", int64(m.Generation)
	Commit(t, b, own)
	force := c
	force.Force, force.Offsets = true, offsets("t", 0)
	Commit(t, b, force)
	var fenced *broker.FencedError
	if _, err := b.Commit(ctx, own); !errors.As(err, &fenced) {
		t.Errorf("a commit from before a reset: %v", err)
	}
	if _, err := b.Join(ctx, acks("a", own.Generation, offsets("t", 3))); !errors.As(err, &fenced) {
		t.Errorf("an ack from before a reset: %v", err)
	}
	before := m.Generation
	if m = holds(t, b, fetch("a"), "[0]"); m.Offsets[0].Offset != 0 || m.Since[0] <= before {
		t.Errorf("after a reset: %+v", m)
	}
	w := &broker.GroupWatch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}, Group: "g", Member: "a", Seen: m.Seen}
	if err := b.WatchGroup(w); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteGroup(ctx, "g", true); err != nil {
		t.Fatal(err)
	}
	<-w.Waiter.Ready
	b.LeaveGroup(w)
	if _, err := b.Group(ctx, "g", ""); !errors.Is(err, broker.ErrGroupNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
	if again := holds(t, b, fetch("a"), "[0]"); again.Generation <= m.Generation {
		t.Errorf("generation %d comes again", again.Generation)
	}
}

// A topic may come and go while members ask for it.
func testMembersTopics(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	c := broker.MemberCall{Group: "g", Member: "a", Create: true, Topics: []string{"u", "t"}}
	m := holds(t, b, c, "[]")
	Make(t, b, "t", 1)
	heartbeat := broker.MemberCall{Group: "g", Member: "a"}
	m2 := holds(t, b, heartbeat, "[0]")
	if m2.Generation <= m.Generation || len(m2.Assignment) != 2 {
		t.Errorf("%+v, then %+v", m, m2)
	}
	if list, err := b.Groups(ctx, "t"); err != nil || len(list) != 1 || list[0].Live != 1 {
		t.Errorf("who reads t: %+v %v", list, err)
	}
	if err := b.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	holds(t, b, heartbeat, "[]")
	Make(t, b, "t", 2)
	m3 := holds(t, b, heartbeat, "[0 1]")
	var fenced *broker.FencedError
	if _, err := b.Join(ctx, acks("a", int64(m2.Generation), offsets("t", 0))); !errors.As(err, &fenced) {
		t.Errorf("an ack of the topic before: %v", err)
	}
	c.Topics = []string{"u"}
	if m4 := holds(t, b, c, "[]"); m4.Generation <= m3.Generation || len(m4.Assignment) != 1 {
		t.Errorf("one topic less: %+v", m4)
	}
}
