package fetch

import (
	"testing"

	"flashq/actor"
	"flashq/broker"
	"flashq/broker/poll"
	"flashq/http/request"
)

// What comes between a fetch's first look and a change of its group is not skipped: only a partition that is new, or
// whose commit was moved, begins anew.
func TestReopenKeepsThePlace(t *testing.T) {
	for name, test := range map[string]struct {
		selector      string
		before, after []request.Mark
		kept          bool
	}{
		"nothing is committed":             {"", nil, nil, true},
		"the commit is as before":          {"", marks(0, 3), marks(0, 3, 1, 2), true},
		"the commit was moved":             {"", marks(0, 3), marks(0, 1), false},
		"there is a commit now":            {"", nil, marks(0, 0), false},
		"a start of its own":               {"from_offset", marks(0, 3), marks(0, 1), true},
		"a start of its own, nothing else": {"from_time", nil, nil, true},
	} {
		r := &rounds{
			ask:  &ask{query: Query{Member: "m", Start: Start{By: test.selector}}},
			plan: &plan{partitions: []int{0, 2}, committed: test.after},
			cursors: []cursor{
				{partition: 0, started: true, next: 5, place: new(poll.Place)},
				{partition: 1, started: true, place: new(poll.Place)},
			},
		}
		old := r.reopen(test.before)
		if c := r.cursors; len(c) != 2 || c[0].started != test.kept || c[0].partition != 0 || c[1].started || c[1].partition != 2 {
			t.Errorf("%s: %+v", name, c)
		}
		known := 0 // places that are kept or dropped
		for _, c := range append(r.cursors, old...) {
			if c.place != nil {
				known++
			}
		}
		if known != 2 {
			t.Errorf("%s: %d places are known", name, known)
		}
	}
}

// marks is partitions and offsets in turn.
func marks(numbers ...int) (all []request.Mark) {
	for ; len(numbers) > 0; numbers = numbers[2:] {
		all = append(all, request.Mark{Partition: numbers[0], Offset: int64(numbers[1])})
	}
	return all
}

// counting is the real engine's topic, with its watches counted.
type counting struct {
	broker.Topic
	watches int
}

func (c *counting) Watch(partition int, w *broker.Watch) error {
	c.watches++
	return c.Topic.Watch(partition, w)
}

// However often partitions come and go during one wait, each is watched once.
func TestAWaitWatchesAPartitionOnce(t *testing.T) {
	b, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	made, _, err := b.CreateTopic(t.Context(), "news", broker.TopicChange{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	topic := &counting{Topic: made}
	f := &fetching{ask: ask{query: Query{}}, plan: plan{topic: topic, partitions: []int{0, 1}}}
	f.rounds.ask, f.rounds.plan = &f.ask, &f.plan
	p := poll.New(2)
	defer p.Leave()
	f.rounds.open()
	for range 10 {
		if err := f.watch(p); err != nil {
			t.Fatal(err)
		}
		f.plan.partitions = map[bool][]int{true: {0}, false: {0, 1}}[len(f.plan.partitions) == 2]
		f.plan.committed = marks(0, len(f.plan.partitions)) // another one each time
		for _, old := range f.rounds.reopen(nil) {
			p.Drop(old.place)
		}
	}
	if topic.watches != 2 {
		t.Errorf("%d watches of two partitions", topic.watches)
	}
}
