package group

import (
	"errors"
	"strings"
	"testing"

	"flashq/broker"
)

// What is more is refused where there is no room, and what is not more never is.
func TestCommitsOfAllGroupsAreBounded(t *testing.T) {
	b := open(t)
	commit := func(room int64, metadata int, o offset) error {
		c, origins, _, now := of(broker.Commit{Group: "g", Create: true}, o)
		c.Offsets[0].Metadata = strings.Repeat("m", metadata)
		_, plan, err := b.shard.Commit(c, origins, Room{Left: room, All: 9}, now)
		if err == nil {
			b.write(plan)
		}
		return err
	}
	for _, step := range []struct {
		room     int64
		metadata int
		at       offset
		refused  bool
	}{
		{0, 0, at("t", 0, 1), true}, {1, 0, at("t", 0, 1), false}, {0, 0, at("t", 0, 2), false},
		{0, 1000, at("t", 0, 3), true}, {7, 1000, at("t", 0, 3), false}, {0, 1000, at("t", 0, 4), false},
		{-5, 10, at("t", 0, 5), false}, {-5, 10, at("t", 0, 6), false}, {0, 0, at("t", 1, 1), true},
	} {
		err := commit(step.room, step.metadata, step.at)
		var limit *broker.LimitError
		if errors.As(err, &limit) != step.refused || step.refused && (limit.Limit != 9 || !errors.Is(err, broker.ErrTooManyCommits)) {
			t.Errorf("%+v: %v", step, err)
		}
	}
	b.put("late", broker.StartLatest)
	end := at("t", 0, 5)
	meetings := []Meeting{{"t", []broker.CommitOffset{end.CommitOffset}, []Origin{end.Origin}}}
	if _, err := b.shard.Meet("late", meetings, Room{Left: 1}, 1); !errors.Is(err, broker.ErrTooManyCommits) {
		t.Errorf("a start of two: %v", err)
	}
	if _, err := b.shard.Meet("late", meetings, Room{Left: 2}, 1); err != nil {
		t.Errorf("a start of two: %v", err)
	}
	var many Meeting
	for p := range broker.MaxGroupCommits {
		end := at("t", p, 1)
		many.Ends, many.Origins = append(many.Ends, end.CommitOffset), append(many.Origins, end.Origin)
	}
	if _, err := b.shard.Meet("late", []Meeting{many}, roomy, 1); !errors.Is(err, broker.ErrTooManyCommits) {
		t.Errorf("a start of one group's limit and a note: %v", err)
	}
}

func TestAGroupsCommitsAreBounded(t *testing.T) {
	b := open(t)
	many := make([]offset, broker.MaxGroupCommits)
	for i := range many {
		many[i] = at("t", i, 1)
	}
	b.commit("g", false, many...)
	if _, _, err := b.shard.Commit(of(broker.Commit{Group: "g"}, at("u", 0, 1))); !errors.Is(err, broker.ErrTooManyCommits) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := b.shard.Commit(of(broker.Commit{Group: "g"}, many[:1]...)); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	data, err := b.shard.Delete("g", false, 1)
	if err != nil || len(data.Batch) > 60<<20 {
		t.Errorf("%d bytes of tombstones, %v", len(data.Batch), err)
	}
	for more := true; more; {
		data := b.shard.Forget("t", id("t"), 1)
		more = data.Batch != nil
		b.write(data)
	}
	if b.shard.Len() != 0 {
		t.Error("the topic's commits stay")
	}
}
