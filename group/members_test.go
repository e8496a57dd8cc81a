package group

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"flashq/broker"
	"flashq/segment/batch"
)

// world is a book with topics and a clock: what a broker has around a shard.
type world struct {
	*book
	now    int64
	topics map[string]made
}

type made struct {
	id         [16]byte
	partitions int
}

func newWorld(t testing.TB) *world {
	return &world{book: open(t), topics: map[string]made{}}
}

func (p *world) shape(name string) ([16]byte, int) {
	return p.topics[name].id, p.topics[name].partitions
}

// topic makes, changes or (0) deletes a topic.
func (p *world) topic(name string, partitions int, generation byte) {
	id := id(name)
	id[15] = generation
	if p.topics[name] = (made{id, partitions}); partitions == 0 {
		delete(p.topics, name)
	}
	p.write(p.shard.Refresh(name, p.shape, p.now))
}

// join has a member call, whose ack comes with what the partitions' owners say.
func (p *world) join(c broker.MemberCall, ack ...offset) (answer broker.Membership, err error) {
	return p.joinIn(1000, c, ack...)
}

// joinIn does it where there is room for so many topics.
func (p *world) joinIn(room int, c broker.MemberCall, ack ...offset) (answer broker.Membership, err error) {
	var origins []Origin
	c.Ack, origins = split(ack)
	plan, err := p.shard.Join(c, origins, Room{Left: room, All: 1000}, p.shape, p.now, &answer)
	if err == nil {
		p.write(plan)
	}
	return answer, err
}

// fetch is a call as a fetch of one topic makes it.
func (p *world) fetch(group, member, topic string, ack ...offset) (broker.Membership, error) {
	return p.join(broker.MemberCall{
		Group: group, Member: member, Create: true, Topics: []string{topic}, Add: true, Topic: topic,
	}, ack...)
}

func (p *world) leave(group, member string) {
	p.t.Helper()
	c, err := p.shard.Leave(group, member, p.shape, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(c)
}

// pass lets time go by as the owner's timer would.
func (p *world) pass(ms int64) {
	for end := p.now + ms; ; {
		due, ok := p.shard.Due()
		if !ok || due > end {
			p.now = end
			return
		}
		p.now = max(p.now, due)
		p.write(p.shard.Expire(p.shape, p.now))
	}
}

func digitsOf(partitions []int) (text string) {
	for _, p := range partitions {
		text += strconv.Itoa(p)
	}
	return text
}

// Scripts: `a=01` is a fetch by a that answers partitions 0 and 1; `-a` leaves; `+5` lets 5 s go by; `a~` waits from
// then on, `a.` no longer; `t3` gives topic t 3 partitions.
func TestWhoHoldsWhat(t *testing.T) {
	for name, script := range map[string]string{
		"one has all":                             "t4 a=0123",
		"the owner gives up at its next call":     "t4 a=0123 b= b= a=01 b=23",
		"a third takes one":                       "t4 a=0123 b= a=01 b=23 c= a=01 b=2 c=3",
		"the fewest move":                         "t6 a=012345 b= c= a=01 b=23 c=45 -b a=012 c=345",
		"uneven by one":                           "t5 a=01234 b= a=012 b=34 c= a=01 b=34 c=2",
		"who leaves frees at once":                "t2 a=01 b= -a b=01",
		"a lease ends":                            "t2 a=01 +20 b= +10 b=01 a= b=0 a=1",
		"a call renews":                           "t2 a=01 b= +29 a=0 b=1 +29 a=0 b=1",
		"a wait holds the lease":                  "t2 a=01 a~ +100 b= a. +29 b= a=0 b=1",
		"and counts from its end":                 "t2 a=01 a~ +100 a. b= +20 b= +10 b=01",
		"more members than partitions":            "t1 a=0 b= c= a=0 b= c= -a b=0 c=",
		"who was to have it left before it moved": "t2 a=01 b= -b a=01",
		"it goes to another one then":             "t2 a=01 b= -b c= a=0 c=1",
		"the topic comes":                         "t0 a= b= t2 a=0 b=1",
		"the topic goes and comes again":          "t2 a=01 b= a=0 t0 a= b= t3 a=01 b=2",
		"one rejoins with what is left":           "t3 a=012 b= a=01 b=2 -b b= a=01 b=2",
	} {
		p := newWorld(t)
		generation := byte(0)
		for _, step := range strings.Fields(script) {
			switch name := step[:1]; {
			case name == "t":
				n, _ := strconv.Atoi(step[1:])
				generation++
				p.topic("t", n, generation)
			case name == "-":
				p.leave("g", step[1:])
			case name == "+":
				s, _ := strconv.Atoi(step[1:])
				p.pass(int64(s) * 1000)
			case step[1] == '~':
				p.shard.Hold("g", name, 0)
			case step[1] == '.':
				p.shard.Release("g", name, p.shard.groups["g"].members[name].born, p.now)
			default:
				m, err := p.fetch("g", name, "t")
				if got := name + "=" + digitsOf(m.Assignment["t"]); err != nil || got != step {
					t.Errorf("%s: %s: %s %v", script, step, got, err)
				}
			}
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestMembersOfSeveralTopicsShareTheWorkOfAll(t *testing.T) {
	p := newWorld(t)
	for i := range 6 {
		p.topic(fmt.Sprint("t", i), 1, 1)
	}
	all := []string{"t0", "t1", "t2", "t3", "t4", "t5"}
	for range 2 {
		for _, m := range []string{"a", "b", "c"} {
			if _, err := p.join(broker.MemberCall{Group: "g", Member: m, Create: true, Topics: all}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, m := range []string{"a", "b", "c"} {
		got, _ := p.join(broker.MemberCall{Group: "g", Member: m})
		held := 0
		for _, partitions := range got.Assignment {
			held += len(partitions)
		}
		if held != 2 || len(got.Assignment) != 6 {
			t.Errorf("%s holds %v", m, got.Assignment)
		}
	}
	// One who asks for one topic only gets it when another one asks for all.
	if _, err := p.join(broker.MemberCall{Group: "g", Member: "a", Topics: []string{"t5"}}); err != nil {
		t.Fatal(err)
	}
	i, err := p.shard.Find("g", "", p.shape, p.now)
	if err != nil || len(i.Members) != 3 || fmt.Sprint(i.Members[0].Topics) != "[t5]" || fmt.Sprint(i.Topics) != fmt.Sprint(all) {
		t.Errorf("%+v %v", i, err)
	}
}

func TestAckOfWhatIsNotHeldIsFenced(t *testing.T) {
	p := newWorld(t)
	p.topic("t", 2, 0)
	p.topic("u", 1, 0)
	ack := func(topic string, partition int) offset { return at(topic, partition, 5) }
	a, err := p.fetch("g", "a", "t")
	if err != nil || a.Generation != 1 {
		t.Fatalf("%+v %v", a, err)
	}
	stale := ack("t", 0)
	stale.TopicID[3]++
	for name, c := range map[string]struct {
		member     string
		generation int64
		ack        []offset
	}{
		"another member":           {"b", 1, []offset{ack("t", 0)}},
		"before it joined":         {"a", 0, []offset{ack("t", 0)}},
		"a generation to come":     {"a", 2, []offset{ack("t", 0)}},
		"a topic not its own":      {"a", 1, []offset{ack("u", 0)}},
		"a partition beyond":       {"a", 1, []offset{ack("t", 2)}},
		"a partition that is none": {"a", 1, []offset{ack("t", -1)}},
		"another topic of a name":  {"a", 1, []offset{stale}},
		"one of two":               {"a", 1, []offset{ack("t", 0), ack("u", 0)}},
	} {
		_, err := p.join(broker.MemberCall{
			Group: "g", Member: c.member, Generation: c.generation, Topics: []string{"t"}, Add: true,
		}, c.ack...)
		var fenced *broker.FencedError
		if !errors.As(err, &fenced) || fenced.Current != 1 || fenced.Index != len(c.ack)-1 ||
			fenced.Group != "g" || fenced.Member != c.member {
			t.Errorf("%s: %v", name, err)
		}
		own := broker.Commit{Group: "g", Member: c.member, Generation: c.generation}
		if _, _, err := p.shard.Commit(of(own, c.ack...)); !errors.As(err, &fenced) {
			t.Errorf("%s: commit: %v", name, err)
		}
	}
	p.now += broker.DefaultSessionMs // and nobody has noticed yet
	first := broker.MemberCall{Group: "g", Member: "a", Generation: 1}
	if _, err := p.join(first, ack("t", 0)); err == nil {
		t.Error("a lease that has ended")
	}
	if i, _ := p.shard.Find("g", "t", p.shape, p.now); len(i.Offsets) != 0 || i.Live != 0 {
		t.Errorf("%+v", i)
	}
	a, err = p.fetch("g", "a", "t")
	if err != nil || a.Generation != 2 || len(a.Assignment["t"]) != 2 {
		t.Errorf("joined again: %+v %v", a, err)
	}
	if _, err := p.join(first, ack("t", 0)); err == nil {
		t.Error("it lost and regained the partition")
	}
}

func TestAckIsTakenBeforeAPartitionMoves(t *testing.T) {
	p := newWorld(t)
	p.topic("t", 2, 0)
	for _, m := range []string{"a", "b"} {
		if _, err := p.fetch("g", m, "t"); err != nil {
			t.Fatal(err)
		}
	}
	c := broker.MemberCall{Group: "g", Member: "a", Generation: 1, Topic: "t"}
	a, err := p.join(c, at("t", 0, 3), at("t", 1, 4))
	if err != nil || len(a.Offsets) != 2 || digitsOf(a.Assignment["t"]) != "0" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := p.join(c, at("t", 0, 3), at("t", 1, 4)); err == nil {
		t.Error("the same again, after it moved")
	}
}

func TestBounds(t *testing.T) {
	p := newWorld(t)
	for i := range broker.MaxGroupMembers {
		if _, err := p.fetch("g", fmt.Sprint("m", i), "t"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.fetch("g", "one-more", "t"); !errors.Is(err, broker.ErrTooManyMembers) {
		t.Errorf("one member more: %v", err)
	}
	if _, err := p.fetch("g", "m0", "t"); err != nil {
		t.Errorf("one who is there: %v", err)
	}
	many := make([]string, broker.MaxMemberTopics+1)
	for i := range many {
		many[i] = fmt.Sprintf("t%04d", i)
	}
	if _, err := p.join(broker.MemberCall{Group: "h", Member: "m", Create: true, Topics: many}); !errors.Is(err, broker.ErrTooManyMembers) {
		t.Errorf("one topic more: %v", err)
	}
	if _, err := p.joinIn(4, broker.MemberCall{Group: "h", Member: "m", Create: true, Topics: many[:5]}); !errors.Is(err, broker.ErrTooManyMembers) {
		t.Errorf("more than there is room for: %v", err)
	}
	if _, err := p.joinIn(5, broker.MemberCall{Group: "h", Member: "m", Create: true, Topics: many[:5]}); err != nil || p.shard.Subscriptions() != broker.MaxGroupMembers+5 {
		t.Errorf("%v, %d topics", err, p.shard.Subscriptions())
	}
	if _, err := p.join(broker.MemberCall{Group: "h", Member: "n"}); !errors.Is(err, broker.ErrNoTopics) {
		t.Errorf("without topics: %v", err)
	}
	if _, err := p.join(broker.MemberCall{Group: "h", Member: "n", Held: true}); !errors.Is(err, broker.ErrMemberNotFound) {
		t.Errorf("no member: %v", err)
	}
	if _, err := p.join(broker.MemberCall{Group: "i", Member: "n", Held: true}); !errors.Is(err, broker.ErrGroupNotFound) {
		t.Errorf("no group: %v", err)
	}
	if _, err := p.shard.Delete("g", false, p.now); !errors.Is(err, broker.ErrGroupActive) {
		t.Errorf("deleting: %v", err)
	}
	c, err := p.shard.Delete("g", true, p.now)
	if err != nil {
		t.Fatal(err)
	}
	p.write(c)
	if p.shard.Has("g") || p.shard.Subscriptions() != 5 {
		t.Errorf("%d topics are left", p.shard.Subscriptions())
	}
}

// No generation comes again: not in a group of the same name, not after a start, and not after a power cut that took
// the end of the log.
func TestGenerationsDoNotComeAgain(t *testing.T) {
	p := newWorld(t)
	p.topic("t", 1, 0)
	last := int32(0)
	join := func(want int32) {
		t.Helper()
		m, err := p.fetch("g", "a", "t")
		if err != nil || m.Generation != want || m.Generation <= last {
			t.Fatalf("generation %d after %d, want %d; %v", m.Generation, last, want, err)
		}
		last = m.Generation
	}
	join(1)
	p.leave("g", "a") // and the group is no more
	join(2)
	reopen := func(epoch int32) {
		p.shard = reopened(t, p.log)
		p.shard.Enter(epoch)
		p.shard.Prune(func(string, [16]byte) bool { return true })
		if p.shard.Len() != 0 {
			t.Fatal("a group that only had members is stored")
		}
	}
	reopen(0)
	join(3)
	p.leave("g", "a") // of which the snapshot says nothing
	var log []batch.Batch
	if err := p.shard.Snapshot(1, func(b batch.Batch) error { log = append(log, b); return nil }); err != nil {
		t.Fatal(err)
	}
	p.log = log
	reopen(0)
	join(4)
	p.log = nil
	reopen(1)
	join(epochStep + 1)
	reopen(1) // what the log says of the new epoch is said already
	join(2*epochStep + 2)
}
