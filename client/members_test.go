package client_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flashq/client"
	"flashq/http"
)

func TestMembersShareATopic(t *testing.T) {
	f := start(t, http.Config{})
	ctx := t.Context()
	f.topic("news", 2)
	for i := range 4 {
		f.put("news", client.ProducerRecord{Value: []byte{'a' + byte(i)}, Partition: new(i % 2)})
	}
	as := func(member, ack string) client.FetchOptions {
		return client.FetchOptions{Group: "g", Member: member, Ack: ack, Session: 20 * time.Second}
	}
	first := f.get("news", as("ann", ""))
	want := &client.GroupState{ID: "g", Member: "ann", Generation: 1, Assignment: []int{0, 1}}
	if len(first.Records) != 4 || !cmp.Equal(first.Group, want) {
		t.Errorf("%s", first.JSON)
	}
	if bob := f.get("news", as("bob", "")); len(bob.Records) != 0 || len(bob.Group.Assignment) != 0 {
		t.Errorf("%s", bob.JSON)
	}
	next := f.get("news", as("ann", first.Position))
	want = &client.GroupState{ID: "g", Member: "ann", Generation: 2, Assignment: []int{0}, Committed: "0:2"}
	if len(next.Records) != 0 || !cmp.Equal(next.Group, want) {
		t.Errorf("%s", next.JSON)
	}
	_, err := f.Fetch(ctx, "news", as("ann", first.Position))
	refused(t, err, 409, "fenced")
	if bob := f.get("news", as("bob", "")); fmt.Sprint(bob.Group.Assignment) != "[1]" || bob.Group.Committed != "1:2" {
		t.Errorf("%s", bob.JSON)
	}
	g, err := f.Group(ctx, "g")
	if err != nil || len(g.Members) != 2 || time.Until(g.Members[0].ExpiresAt) > 20*time.Second {
		t.Errorf("leases of 20 s: %+v %v", g, err)
	}
	if err := f.LeaveGroup(ctx, "g", "ann"); err != nil {
		t.Error(err)
	}
	refused(t, f.LeaveGroup(ctx, "g", "ann"), 404, "member_not_found")
	g, err = f.Group(ctx, "g")
	if err != nil || len(g.Members) != 1 || g.Members[0].Member != "bob" || fmt.Sprint(g.Members[0].Assignment) != "map[news:[0 1]]" {
		t.Errorf("%+v %v", g, err)
	}
}

func TestAMemberJoinsCommitsAndLeaves(t *testing.T) {
	f := start(t, http.Config{})
	ctx := t.Context()
	f.put("news", client.ProducerRecord{Value: []byte("a")})
	_, err := f.Heartbeat(ctx, "g", "ann")
	refused(t, err, 422, "validation_error")
	m, err := f.JoinGroup(ctx, "g", "ann", client.JoinOptions{Topics: []string{"news", "later"}, Session: time.Minute})
	want := map[string][]int{"news": {0}, "later": {}}
	if err != nil || m.Generation != 1 || !cmp.Equal(m.Assignment, want) || time.Until(m.ExpiresAt) < 50*time.Second {
		t.Fatalf("%+v %v", m, err)
	}
	if again, err := f.Heartbeat(ctx, "g", "ann"); err != nil || again.Generation != 1 || !cmp.Equal(again.Assignment, want) {
		t.Errorf("%+v %v", again, err)
	}
	items := []client.CommitItem{{Topic: "news", Offset: new(int64(1))}}
	_, err = f.Commit(ctx, "g", items, client.CommitOptions{})
	refused(t, err, 409, "group_active")
	_, err = f.Commit(ctx, "g", items, client.CommitOptions{Member: "ann"})
	refused(t, err, 409, "fenced")
	o := client.CommitOptions{Member: "ann", Generation: 1}
	if done, err := f.Commit(ctx, "g", items, o); err != nil || done.Offsets[0].CommittedOffset != 1 {
		t.Errorf("%+v %v", done, err)
	}
	back := []client.CommitItem{{Topic: "news", At: "earliest"}}
	done, err := f.Commit(ctx, "g", back, client.CommitOptions{Force: true, DryRun: true})
	if err != nil || done.Offsets[0].CommittedOffset != 0 || *done.Offsets[0].PreviousOffset != 1 {
		t.Errorf("%+v %v", done, err)
	}
	if _, err := f.Commit(ctx, "g", back, client.CommitOptions{Force: true}); err != nil {
		t.Error(err)
	}
	_, err = f.Commit(ctx, "g", items, o)
	refused(t, err, 409, "fenced")
	refused(t, f.DeleteGroup(ctx, "g", false), 409, "group_active")
	if err := f.DeleteGroup(ctx, "g", true); err != nil {
		t.Error(err)
	}
}
