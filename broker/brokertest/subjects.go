package brokertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
)

// testSubjects has every kind of error say what it is about: a door tells it on, without knowing which call it was.
func testSubjects(t *testing.T, b broker.Broker) {
	ctx := context.Background()
	gone, topic := Make(t, b, "gone", 1), Make(t, b, "t", 2)
	if err := b.DeleteTopic(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	m := Join(t, b, fetch("a"))
	parts := func(p int) []broker.Part { return []broker.Part{Part(p, 1, "x")} }
	const none, third, stranger = "topic none", "partition 2 of 2 of t", "member m of g"
	join := broker.MemberCall{Group: "g", Member: "m"}
	held := join
	held.Held = true
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"topic", second(b.Topic(ctx, "none")), broker.ErrTopicNotFound, none},
		{"delete", b.DeleteTopic(ctx, "none"), broker.ErrTopicNotFound, none},
		{"append to a deleted one", gone.Append(parts(0), broker.How{}), broker.ErrTopicNotFound, "topic gone"},
		{"snapshot of a deleted one", second(gone.Snapshot(ctx, 0)), broker.ErrTopicNotFound, "topic gone"},
		{"append", topic.Append(parts(2), broker.How{}), broker.ErrPartitionNotFound, third},
		{"append many", topic.Append(append(parts(0), parts(2)...), broker.How{}), broker.ErrPartitionNotFound, third},
		{"snapshot", second(topic.Snapshot(ctx, -1)), broker.ErrPartitionNotFound, "partition -1 of 2 of t"},
		{"stats", second(topic.Stats(ctx, 2)), broker.ErrPartitionNotFound, third},
		{"watch", topic.Watch(2, &broker.Watch{}), broker.ErrPartitionNotFound, third},
		{"other count", create(b, "t", 3), broker.ErrPartitionsImmutable, "2 partitions of t, not 3"},
		{"group", second(b.Group(ctx, "none", "")), broker.ErrGroupNotFound, "group none"},
		{"group beside another", second(b.Group(ctx, "g2", "")), broker.ErrGroupNotFound, "group g2"},
		{"delete group", b.DeleteGroup(ctx, "none", false), broker.ErrGroupNotFound, "group none"},
		{"delete a live group", b.DeleteGroup(ctx, "g", false), broker.ErrGroupActive, "group g"},
		{"commit to none", commit(b, "none", "t", 0), broker.ErrGroupNotFound, "group none"},
		{"commit beside members", commit(b, "g", "t", 0), broker.ErrGroupActive, "group g"},
		{"commit of no topic", commit(b, "none", "none", 0), broker.ErrTopicNotFound, none},
		{"commit of no partition", commit(b, "new", "t", 0, 0, 0), broker.ErrPartitionNotFound, third},
		{"leave no group", b.Leave(ctx, "none", "m"), broker.ErrGroupNotFound, "group none"},
		{"leave", b.Leave(ctx, "g", "m"), broker.ErrMemberNotFound, stranger},
		{"join without topics", second(b.Join(ctx, join)), broker.ErrNoTopics, stranger},
		{"join held", second(b.Join(ctx, held)), broker.ErrMemberNotFound, stranger},
		{"fenced", second(b.Join(ctx, acks("m", int64(m.Generation), offsets("t", 0)))), nil, stranger + ", fenced from t-0"},
	} {
		if got := subject(c.err); got != c.want || c.is != nil && !errors.Is(c.err, c.is) {
			t.Errorf("%s: about %q, want %q: %v", c.name, got, c.want, c.err)
		}
	}
}

func create(b broker.Broker, name string, partitions int) error {
	_, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{Partitions: partitions})
	return err
}

func commit(b broker.Broker, group, topic string, list ...int64) error {
	_, err := b.Commit(context.Background(), broker.Commit{
		Group: group, Create: group == "new", Offsets: offsets(topic, list...),
	})
	return err
}

// subject says what an error is about.
func subject(err error) string {
	var (
		topic     *broker.TopicError
		partition *broker.PartitionError
		count     *broker.PartitionCountError
		group     *broker.GroupError
		member    *broker.MemberError
		fenced    *broker.FencedError
	)
	switch {
	case errors.As(err, &topic):
		return "topic " + topic.Topic
	case errors.As(err, &partition):
		return fmt.Sprintf("partition %d of %d of %s", partition.Partition, partition.Partitions, partition.Topic)
	case errors.As(err, &count):
		return fmt.Sprintf("%d partitions of %s, not %d", count.Partitions, count.Topic, count.Asked)
	case errors.As(err, &group):
		return "group " + group.Group
	case errors.As(err, &member):
		return fmt.Sprintf("member %s of %s", member.Member, member.Group)
	case errors.As(err, &fenced):
		return fmt.Sprintf("member %s of %s, fenced from %s-%d", fenced.Member, fenced.Group, fenced.Topic, fenced.Partition)
	}
	return ""
}
