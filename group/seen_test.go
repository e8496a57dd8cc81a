package group

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"flashq/broker"
	"flashq/segment/batch"
)

// news tells who of group g is woken by what is done: members, and "" for who reads for it without being one.
func (w *world) news(do func()) (woken []string) {
	w.t.Helper()
	seen := func() map[string]uint64 {
		all := map[string]uint64{"": w.shard.Seen("g", "")}
		for _, name := range []string{"a", "b"} {
			all[name] = w.shard.Seen("g", name)
		}
		return all
	}
	w.shard.Touched(func(string) {})
	before, visited := seen(), false
	do()
	for name, now := range seen() {
		if now != before[name] {
			woken = append(woken, name)
		}
	}
	w.shard.Touched(func(group string) { visited = visited || group == "g" })
	if len(woken) > 0 && !visited {
		w.t.Errorf("%q are to be woken, and nobody is told", woken)
	}
	slices.Sort(woken)
	return woken
}

// Who waits is woken by what concerns it, above all by having to give something up: until its next call, nobody else
// gets that.
func TestWhoIsWoken(t *testing.T) {
	w := newWorld(t)
	call := func(name, topic string) func() {
		return func() {
			if _, err := w.fetch("g", name, topic); err != nil {
				t.Fatal(err)
			}
		}
	}
	commit := func(c broker.Commit, o int64) func() {
		return func() { c.Group, c.Create = "g", true; w.commitAs(c, o) }
	}
	w.topic("t", 2)
	w.topic("one", 1)
	for _, step := range []struct {
		what  string
		do    func()
		woken []string
	}{
		{"the group is made", func() { w.put("g", "") }, []string{""}},
		{"offsets are moved", commit(broker.Commit{}, 3), []string{""}},
		{"offsets are moved again", commit(broker.Commit{}, 1), []string{""}},
		{"a reader acknowledges", commit(broker.Commit{Ack: true}, 2), nil},
		{"a comes for the work of one partition", call("a", "one"), []string{"", "a"}},
		{"a leaves", func() { w.leave("a") }, []string{"", "a"}},
		{"a comes and gets all", call("a", "t"), []string{"", "a"}},
		{"b comes, and a is to give up one", call("b", "t"), []string{"a", "b"}},
		{"a calls, and b gets it", call("a", "t"), []string{"b"}},
		{"b calls, and nothing changes", call("b", "t"), nil},
		{"c comes, and there is nothing left to give", call("c", "t"), nil},
		{"offsets of a are moved by force", commit(broker.Commit{Force: true}, 0), []string{"a"}},
		{"the topic goes", func() { w.topic("t", 0) }, []string{"a", "b"}},
		{"the group goes", func() { w.end(w.shard.Delete("g", true, w.now)) }, []string{"", "a", "b"}},
	} {
		if got := w.news(step.do); !slices.Equal(got, step.woken) {
			t.Errorf("%s: woken %q, not %q", step.what, got, step.woken)
		}
	}
}

// end carries out a plan that is not refused.
func (w *world) end(plan Plan, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(plan)
}

func (w *world) leave(name string) { w.end(w.shard.Leave("g", name, w.shape, w.now)) }

// commitAs commits an offset of partition 0 of topic t.
func (w *world) commitAs(c broker.Commit, o int64) {
	w.t.Helper()
	place := at("t", 0, o)
	place.TopicID, _ = w.shape("t")
	_, plan, err := w.shard.Commit(of(c, place))
	w.end(plan, err)
}

func TestGroupsOfATopic(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.topic("u", 1)
	w.commitAs(broker.Commit{Group: "commits", Create: true}, 1)
	w.put("neither", "")
	for _, group := range []string{"reads", "elsewhere"} {
		topic := map[string]string{"reads": "t", "elsewhere": "u"}[group]
		if _, err := w.fetch(group, "m", topic); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, g := range w.shard.List("t", w.shape, w.now) {
		names = append(names, g.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"commits", "reads"}) {
		t.Errorf("%q have to do with the topic", names)
	}
	if all := w.shard.List("", w.shape, w.now); len(all) != 4 {
		t.Errorf("there are %v", all)
	}
}

func TestOnlyALateGroupMeetsTopics(t *testing.T) {
	w := newWorld(t)
	w.put("early", "")
	w.put("late", broker.StartLatest)
	before := map[string]bool{"none": w.shard.Unmet("none", "t"), "early": w.shard.Unmet("early", "t"), "late": w.shard.Unmet("late", "t")}
	if !maps.Equal(before, map[string]bool{"none": false, "early": false, "late": true}) {
		t.Errorf("still to meet it: %v", before)
	}
	plan, err := w.shard.Meet("late", []Meeting{{Topic: "t"}}, roomy, 1)
	if w.write(plan); err != nil || w.shard.Unmet("late", "t") || !w.shard.Unmet("late", "u") {
		t.Errorf("it met t, and not u: %v", err)
	}
}

// A snapshot's batches are bounded, however much there is, and are not one for each commit.
func TestASnapshotComesInBatches(t *testing.T) {
	b := open(t)
	many := make([]offset, 9_000)
	for i := range many {
		many[i] = at("t", i, 1)
	}
	b.commit("g", false, many...)
	var sizes []int
	fails := errors.New("no room")
	err := b.shard.Snapshot(1, func(data batch.Batch) error { sizes = append(sizes, len(data)); return nil })
	if err != nil || len(sizes) < 2 || len(sizes) > 9 || slices.Max(sizes) > snapshotBatch+1<<10 {
		t.Errorf("batches of %v bytes, %v", sizes, err)
	}
	calls := 0
	if err := b.shard.Snapshot(1, func(batch.Batch) error { calls++; return fails }); !errors.Is(err, fails) || calls != 1 {
		t.Errorf("%d batches, after the first failed: %v", calls, err)
	}
}

// A call that waited as an earlier member of the name has no say in the lease of the new one.
func TestAnEarlierMembersWaitIsNotTheNewOnes(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	join := func(name string) uint64 {
		t.Helper()
		if _, err := w.fetch("g", name, "t"); err != nil {
			t.Fatal(err)
		}
		return w.shard.Hold("g", name, 0)
	}
	join("holder")
	earlier := join("a")
	w.leave("a")
	join("a")
	w.shard.Release("g", "a", earlier, w.now)
	w.pass(10 * broker.DefaultSessionMs)
	if g, err := w.shard.Find("g", "", w.shape, w.now); err != nil || g.Live != 2 {
		t.Errorf("%d members live while both wait, %v", g.Live, err)
	}
}
