package group

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/broker"
	"flashq/segment/batch"
)

// book is a shard with the log that its owner would keep.
type book struct {
	t     testing.TB
	shard *Shard
	log   []batch.Batch
}

func open(t testing.TB) *book { return &book{t: t, shard: NewShard()} }

// write does what the owner does with a change.
func (b *book) write(c Plan) {
	b.t.Helper()
	if c.Batch != nil {
		b.log = append(b.log, slices.Clone(c.Batch))
		if err := b.shard.Replay(c.Batch); err != nil {
			b.t.Fatal(err)
		}
	}
	if c.Apply != nil {
		c.Apply()
	}
}

func (b *book) put(name, start string) bool {
	created, data := b.shard.Put(name, start, 1)
	b.write(data)
	return created
}

func (b *book) commit(name string, ack bool, offsets ...offset) []broker.Committed {
	b.t.Helper()
	c := broker.Commit{Group: name, Create: true, Ack: ack}
	results, data, err := b.shard.Commit(of(c, offsets...))
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(data)
	return results
}

// offset is one to be committed, with what the partition's owner says of it.
type offset struct {
	broker.CommitOffset
	Origin
}

func at(topic string, partition int, o int64) offset {
	return offset{
		broker.CommitOffset{Topic: topic, Partition: partition, Offset: o, Metadata: "m"},
		Origin{TopicID: id(topic), Epoch: 3},
	}
}

// of is a commit of these offsets at 7, as Shard.Commit takes it.
func of(c broker.Commit, offsets ...offset) (broker.Commit, []Origin, Room, int64) {
	var origins []Origin
	c.Offsets, origins = split(offsets)
	return c, origins, roomy, 7
}

func split(offsets []offset) (list []broker.CommitOffset, origins []Origin) {
	for _, o := range offsets {
		list, origins = append(list, o.CommitOffset), append(origins, o.Origin)
	}
	return list, origins
}

// every is for topics of which each is there.
func every(name string) ([16]byte, int) { return id(name), 1 }

func id(topic string) (u [16]byte) {
	copy(u[:], topic)
	return u
}

// show writes a shard's state as text that is equal where the states are.
func show(s *Shard) string {
	var lines []string
	for name, g := range s.groups {
		lines = append(lines, fmt.Sprintf("%s %s %d %v %v", name, g.start, g.generation, g.commits, g.met)) // maps print sorted
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// reopened is what a start finds in a log.
func reopened(t testing.TB, log []batch.Batch) *Shard {
	t.Helper()
	s := NewShard()
	for _, b := range log {
		if err := s.Replay(b); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestCommitMovesAnyWayAndAckOnlyForward(t *testing.T) {
	b := open(t)
	for _, step := range []struct {
		ack                   bool
		offset, want, history int64
	}{
		{false, 10, 10, -1}, {false, 4, 4, 10}, {true, 8, 8, 4}, {true, 5, 8, 8}, {true, 8, 8, 8}, {false, 0, 0, 8},
	} {
		r := b.commit("g", step.ack, at("t", 0, step.offset))[0]
		if r.Offset != step.want || r.Previous != step.history {
			t.Errorf("%+v: committed %d, previous %d", step, r.Offset, r.Previous)
		}
	}
	if _, same, _ := b.shard.Commit(of(broker.Commit{Group: "g", Ack: true}, at("t", 0, 0))); same.Batch != nil {
		t.Error("an ack that moves nothing is written")
	}
	i, err := b.shard.Find("g", "t", every, 1)
	want := []broker.GroupOffset{{Topic: "t", Metadata: "m", Timestamp: 7}}
	if diff := cmp.Diff(want, i.Offsets); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if c := b.shard.groups["g"].commits["t"][0]; c != (commit{topicID: id("t"), epoch: 3, metadata: "m", timestamp: 7}) {
		t.Errorf("stored: %+v", c)
	}
}

func TestGroupsComeAndGo(t *testing.T) {
	b := open(t)
	if !b.put("asked", broker.StartLatest) || b.put("asked", "") || b.put("asked", broker.StartLatest) {
		t.Error("created must be true once")
	}
	if i, err := b.shard.Find("asked", "", every, 1); err != nil || i.Start != broker.StartLatest {
		t.Errorf("%+v %v", i, err)
	}
	if b.put("asked", broker.StartEarliest); b.shard.groups["asked"].start != broker.StartEarliest {
		t.Error("put did not change the start")
	}
	b.commit("implicit", false, at("t", 1, 5), at("u", 0, 6))
	if n := b.shard.Len(); n != 2 {
		t.Errorf("%d groups", n)
	}
	for range 2 { // once for each topic
		for _, topic := range []string{"t", "u"} {
			b.write(b.shard.Forget(topic, id(topic), 9))
		}
	}
	if b.shard.Has("implicit") {
		t.Error("a group that was never asked for outlives its last commit")
	}
	b.commit("asked", false, at("t", 1, 5))
	data, err := b.shard.Delete("asked", false, 9)
	if err != nil {
		t.Fatal(err)
	}
	b.write(data)
	if _, err := b.shard.Delete("asked", false, 9); !errors.Is(err, broker.ErrGroupNotFound) || b.shard.Len() != 0 {
		t.Errorf("deleting twice: %v, %d groups", err, b.shard.Len())
	}
	if again := reopened(t, b.log); again.Len() != 0 {
		t.Errorf("the log brings back %s", show(again))
	}
}

func TestAnotherTopicOfTheNameHasNoCommit(t *testing.T) {
	b := open(t)
	b.commit("g", false, at("t", 0, 50))
	other := at("t", 0, 2)
	other.TopicID = id("other")
	if r := b.commit("g", true, other)[0]; r.Previous != -1 || r.Offset != 2 {
		t.Errorf("an ack to the new topic: %+v", r)
	}
	if c := b.shard.Forget("t", id("t"), 9); c.Batch != nil {
		t.Error("forgetting the old topic takes the new one's commit")
	}
	b.commit("g", false, at("t", 1, 50), at("t", 2, 50))
	third := at("t", 2, 3)
	third.TopicID = id("other")
	b.commit("g", true, third)
	b.write(b.shard.Forget("t", id("t"), 9))
	left := b.shard.groups["g"].commits["t"]
	if len(left) != 2 || left[0].offset != 2 || left[1].offset != 3 {
		t.Errorf("forgetting the old topic leaves %+v", left)
	}
	if again := reopened(t, b.log); show(again) != show(b.shard) {
		t.Errorf("the log says %s", show(again))
	}
	b.shard.Prune(func(string, [16]byte) bool { return false })
	if b.shard.Len() != 0 {
		t.Errorf("pruned shard holds %s", show(b.shard))
	}
}

func TestClampMovesBackAndTells(t *testing.T) {
	b := open(t)
	b.commit("g", false, at("t", 0, 50), at("t", 1, 50), at("u", 0, 50))
	b.shard.Clamp(func(topic string, partition, epoch int32) (int64, bool) {
		if epoch != 3 {
			t.Errorf("epoch %d", epoch)
		}
		return 40 + 10*int64(partition), topic == "t"
	})
	i, _ := b.shard.Find("g", "", every, 1)
	for n, want := range [][2]int64{{40, 10}, {50, 0}, {50, 0}} {
		if c := i.Offsets[n]; c.Offset != want[0] || c.Truncated != want[1] {
			t.Errorf("%s-%d: %d truncated by %d, want %v", c.Topic, c.Partition, c.Offset, c.Truncated, want)
		}
	}
	b.commit("g", false, at("t", 0, 41))
	if i, _ := b.shard.Find("g", "t", every, 1); i.Offsets[0].Truncated != 0 {
		t.Error("a new commit is still called truncated")
	}
}

func TestReplayNamesWhatItCanNotRead(t *testing.T) {
	var w batch.Builder
	w.Add(1, []byte{0, 9, 'x'}, []byte("y"))
	w.Add(1, commitKey("g", "t", 0), commit{offset: 4}.encode())
	w.Add(1, commitKey("g", "t", 1), []byte{0})
	w.Add(1, nil, nil)
	s := NewShard()
	err := s.Replay(w.Finish())
	if !errors.Is(err, ErrEncoding) || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("error: %v", err)
	}
	for _, place := range []string{"offset 0: ", "offset 2: ", "offset 3: "} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("no %q in %v", place, err)
		}
	}
	none := func(string) ([16]byte, int) { return [16]byte{}, 1 }
	if i, err := s.Find("g", "t", none, 1); err != nil || len(i.Offsets) != 1 || i.Offsets[0].Offset != 4 {
		t.Errorf("the good record between: %+v %v", i, err)
	}
}

// What a group has met goes with it, also where the log has lost the group itself.
func TestAMeetingIsNoGroup(t *testing.T) {
	var w batch.Builder
	w.Add(1, commitKey("g", "t", noPartition), met.encode())
	s := reopened(t, []batch.Batch{w.Finish()})
	s.Prune(func(string, [16]byte) bool { return true })
	if s.Len() != 0 {
		t.Errorf("there is %s", show(s))
	}
}

// A change looks at what it changes: at none of the thousand topics that others of the group ask for.
func TestAJoinLooksAtItsOwnTopicsAlone(t *testing.T) {
	w := newWorld(t)
	looked := 0
	topics := func(name string) ([16]byte, int) {
		looked++
		return w.shape(name)
	}
	join := func(member string, names []string) {
		t.Helper()
		var answer broker.Membership
		c := broker.MemberCall{Group: "g", Member: member, Create: true, Topics: names}
		plan, err := w.shard.Join(c, nil, Rooms{Topics: roomy, Commits: roomy}, topics, w.now, &answer)
		if err != nil {
			t.Fatal(err)
		}
		w.write(plan)
	}
	for m := range 10 {
		for _, name := range topicNames(100*m, 100) {
			w.topic(name, 4)
		}
		join(fmt.Sprint("m", m), topicNames(100*m, 100))
	}
	few := func(what string, do func()) {
		t.Helper()
		looked = 0
		do()
		if looked > 10 {
			t.Errorf("%s asks for the shape of %d topics", what, looked)
		}
	}
	few("a join", func() { join("n", topicNames(150, 2)) })
	few("a call", func() { join("n", nil) })
	few("a leave", func() {
		plan, err := w.shard.Leave("g", "n", topics, w.now)
		if err != nil {
			t.Fatal(err)
		}
		w.write(plan)
	})
}
