package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flashq/client"
	"flashq/http"
)

func TestGroupsAreMadeListedDescribedAndDeleted(t *testing.T) {
	f := start(t, http.Config{})
	ctx := t.Context()
	made, err := f.CreateGroup(ctx, "readers", "latest")
	if err != nil || !made.Created || made.Name != "readers" || made.Start != "latest" {
		t.Fatalf("%+v, %v", made, err)
	}
	if again, err := f.CreateGroup(ctx, "readers", ""); err != nil || again.Created {
		t.Errorf("again: %+v, %v", again, err)
	}
	f.put("news", client.ProducerRecord{Value: []byte("a")}, client.ProducerRecord{Value: []byte("b")})
	items := []client.CommitItem{{Topic: "news", Offset: new(int64(1))}}
	if _, err := f.Commit(ctx, "readers", items, client.CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	list, err := f.Groups(ctx)
	want := []client.GroupSummary{{Group: "readers", Topics: []string{"news"}, Lag: 1}}
	if err != nil || !cmp.Equal(list.Groups, want) {
		t.Errorf("list: %v %s", err, cmp.Diff(want, list.Groups))
	}
	g, err := f.Group(ctx, "readers")
	if err != nil || g.Lag != 1 || len(g.Offsets) != 1 || *g.Offsets[0].CommittedOffset != 1 || len(g.JSON) == 0 {
		t.Errorf("describe: %+v, %v", g, err)
	}
	topic, err := f.Topic(ctx, "news")
	if err != nil || !cmp.Equal(topic.Groups, []client.TopicGroup{{Group: "readers", Lag: 1}}) {
		t.Errorf("the topic's groups: %+v, %v", topic, err)
	}
	if err := f.DeleteGroup(ctx, "readers", false); err != nil {
		t.Error(err)
	}
	refused(t, f.DeleteGroup(ctx, "readers", true), 404, "group_not_found")
	_, err = f.Group(ctx, "readers")
	refused(t, err, 404, "group_not_found")
}

func TestCommitsMoveAGroup(t *testing.T) {
	f := start(t, http.Config{})
	ctx := t.Context()
	f.topic("news", 2)
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)
	for i := range 4 { // all of them in partition 1, a second apart
		f.put("news", client.ProducerRecord{
			Value: []byte{'a' + byte(i)}, Partition: new(1), Timestamp: at.Add(time.Duration(i) * time.Second),
		})
	}
	one := client.CommitItem{Topic: "news", Partition: new(1), Offset: new(int64(3)), Metadata: "batch 42"}
	done, err := f.Commit(ctx, "g", []client.CommitItem{one}, client.CommitOptions{DryRun: true})
	want := []client.CommittedOffset{{Topic: "news", Partition: 1, CommittedOffset: 3}}
	noTime := cmpopts.IgnoreFields(client.CommittedOffset{}, "Timestamp")
	if err != nil || !cmp.Equal(done.Offsets, want, noTime) {
		t.Fatalf("dry run: %v %+v", err, done)
	}
	_, err = f.GroupOffsets(ctx, "g", "news")
	refused(t, err, 404, "group_not_found") // a dry run makes nothing
	if _, err = f.Commit(ctx, "g", []client.CommitItem{one}, client.CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	got, err := f.GroupOffsets(ctx, "g", "news")
	if err != nil || len(got.Offsets) != 2 || got.Offsets[0].CommittedOffset != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	o := got.Offsets[1]
	if *o.CommittedOffset != 3 || o.Metadata != "batch 42" || o.HighWaterMark != 4 || o.Lag != 1 || o.LagMs < 50_000 ||
		o.Timestamp.Before(at) {
		t.Errorf("%s", got.JSON)
	}
	back := []client.CommitItem{{Topic: "news", At: at.Add(time.Second).Format(time.RFC3339Nano)}}
	done, err = f.Commit(ctx, "g", back, client.CommitOptions{Force: true})
	if err != nil || len(done.Offsets) != 2 || done.Offsets[1].CommittedOffset != 1 || *done.Offsets[1].PreviousOffset != 3 {
		t.Errorf("back to a time: %+v, %v", done, err)
	}
	f.put("jobs", client.ProducerRecord{Value: []byte("mow")})
	if _, err = f.Commit(ctx, "g", []client.CommitItem{{Topic: "jobs", At: "latest"}}, client.CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	all, err := f.GroupOffsets(ctx, "g", "")
	if err != nil || len(all.Offsets) != 3 {
		t.Errorf("all topics: %+v, %v", all, err)
	}
	jobs, err := f.GroupOffsets(ctx, "g", "jobs")
	if err != nil || len(jobs.Offsets) != 1 || jobs.Offsets[0].Topic != "jobs" {
		t.Errorf("one topic: %+v, %v", jobs, err)
	}
	far := []client.CommitItem{{Topic: "news", Partition: new(0), Offset: new(int64(9))}}
	_, err = f.Commit(ctx, "g", far, client.CommitOptions{})
	refused(t, err, 400, "invalid_offset")
}

func TestAGroupFetchGoesOnWhereItAcknowledged(t *testing.T) {
	f := start(t, http.Config{})
	for _, v := range strings.Fields("a b c") {
		f.put("news", client.ProducerRecord{Value: []byte(v)})
	}
	first := f.get("news", client.FetchOptions{Group: "g", MaxRecords: 2})
	if again := f.get("news", client.FetchOptions{Group: "g", MaxRecords: 2}); !cmp.Equal(again.Records, first.Records) {
		t.Errorf("without ack: %s", again.JSON)
	}
	rest := f.get("news", client.FetchOptions{Group: "g", Ack: first.Position})
	want := &client.GroupState{ID: "g", Committed: "0:2"}
	if len(rest.Records) != 1 || string(rest.Records[0].Value) != "c" || !cmp.Equal(rest.Group, want) {
		t.Errorf("%s", rest.JSON)
	}
}
