package actor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

// What is committed in a topic while it is deleted is nobody's, and would count against the bound on commits for ever.
func TestCommitsToATopicThatGoesMeanwhileGoToo(t *testing.T) {
	offsets := []broker.CommitOffset{{Topic: "t", Offset: 1}, {Topic: "u", Offset: 1}}
	for name, call := range map[string]func(*Broker, broker.Membership) error{
		"a commit": func(b *Broker, _ broker.Membership) error {
			return second(b.Commit(context.Background(), broker.Commit{Group: "f", Create: true, Offsets: offsets}))
		},
		"a member's ack": func(b *Broker, m broker.Membership) error {
			return second(b.Join(context.Background(), broker.MemberCall{
				Group: "d", Member: "m", Generation: int64(m.Generation), Ack: offsets,
			}))
		},
		"a start": func(b *Broker, _ broker.Membership) error {
			return second(b.Join(context.Background(), broker.MemberCall{
				Group: "e", Member: "m", Create: true, Topics: []string{"t", "u"},
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { deleteMeanwhile(t, call) })
		})
	}
}

// deleteMeanwhile deletes topic t while a call is on its way that has asked how far t goes, and before the group's
// members learn of the deletion.
func deleteMeanwhile(t *testing.T, call func(*Broker, broker.Membership) error) {
	t.Helper()
	fs := segmenttest.New()
	b := engine(t, fs, Config{Fsync: FsyncNever})
	u := makeTopic(t, b, "u", 1)
	gone := makeTopic(t, b, "t", 1)
	for _, tp := range []*topic{gone, u} {
		mustPut(t, tp, 0, "x", "y")
	}
	const last = "z" // its shard comes after those of the other groups, and hears of the deletion last
	commit(t, b, last, "t", 0, 1)
	m := brokertest.Join(t, b, broker.MemberCall{Group: "d", Member: "m", Create: true, Topics: []string{"t", "u"}})
	if err := second(b.PutGroup(context.Background(), "e", broker.StartLatest)); err != nil {
		t.Fatal(err)
	}
	commit(t, b, "f", "u", 0, 0)
	slow, hold := make(chan struct{}), make(chan struct{})
	synctest.Wait() // the shards rest
	fs.SetHook(func(op segmenttest.Op, name string) {
		if op == segmenttest.OpWrite && strings.HasPrefix(name, partitionDir(groupsTopic, shardOf(last))) {
			<-slow
		}
	})
	u.actors[0].post(chore(func() { <-hold }))
	called, deleted := make(chan error, 1), make(chan error, 1)
	go func() { called <- call(b, m) }()
	synctest.Wait() // it has asked t, and waits for u
	go func() { deleted <- b.DeleteTopic(context.Background(), "t") }()
	synctest.Wait() // the other shards have forgotten t
	close(hold)
	synctest.Wait()
	close(slow)
	if err := <-called; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := <-deleted; err != nil {
		t.Errorf("the deletion: %v", err)
	}
	b.groups.each(func(a *Actor) bool {
		a.ask(func() {
			if left := a.shard.groups.Forget("t", gone.uuid, 1); left.Batch != nil {
				t.Errorf("%s keeps commits to the deleted topic", a.name)
			}
		})
		return true
	})
}
