package actor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

func commit(tb testing.TB, b *Broker, group, topic string, partition int, offset int64) {
	tb.Helper()
	brokertest.Commit(tb, b, commitOf(group, topic, partition, offset))
}

func commitOf(group, topic string, partition int, offset int64) broker.Commit {
	return broker.Commit{
		Group: group, Create: true, Offsets: []broker.CommitOffset{{Topic: topic, Partition: partition, Offset: offset}},
	}
}

// Where Kafka puts a group: Utils.abs of Java's String.hashCode, modulo 50.
func TestShardIsKafkas(t *testing.T) {
	for name, want := range map[string]int{"": 0, "a": 47, "my-group": 12, "flights": 9, "orders.v2": 45, "polygenelubricants": 0} {
		if got := shardOf(name); got != want {
			t.Errorf("%q is in %d, Kafka says %d", name, got, want)
		}
	}
}

func TestGroupsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, Config{Dir: dir})
	mustPut(t, makeTopic(t, b, "t", 2), 0, "a", "b", "c")
	makeTopic(t, b, "gone", 1)
	for i := range 20 {
		commit(t, b, fmt.Sprint("g", i), "t", 0, int64(i%4))
	}
	commit(t, b, "g0", "gone", 0, 0)
	if _, err := b.PutGroup(context.Background(), "asked", broker.StartLatest); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteTopic(context.Background(), "gone"); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteGroup(context.Background(), "g7", false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = mustOpen(t, Config{Dir: dir, MaxGroups: 20})
		if f := b.Found(); f.Groups != 20 || f.Failed != 0 {
			t.Errorf("found %+v", f)
		}
		for _, i := range []int{0, 1, 2, 3, 19} {
			if got := brokertest.Offsets(t, b, fmt.Sprint("g", i), ""); got != fmt.Sprintf("[t-0@%d]", i%4) {
				t.Errorf("g%d: %s", i, got)
			}
		}
		if g, err := b.Group(context.Background(), "asked", ""); err != nil || g.Start != broker.StartLatest {
			t.Errorf("asked: %+v %v", g, err)
		}
		if _, err := b.Group(context.Background(), "g7", ""); !errors.Is(err, broker.ErrGroupNotFound) {
			t.Errorf("a deleted group: %v", err)
		}
		if _, err := b.Commit(context.Background(), commitOf("one-more", "t", 0, 1)); !errors.Is(err, broker.ErrTooManyGroups) {
			t.Errorf("one group too many: %v", err)
		}
	}
	b.Close()
}

// However many commits there were, the folder holds what counts, and a restart finds it.
func TestCommitsLeaveASmallFolder(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{Fsync: FsyncNever})
	tp := makeTopic(t, b, "t", 10)
	const each, writers = 1200, 5 // of 1 KB: some three rolls in each of two logs
	for p := range 10 {
		mustPut(t, tp, p, strings.Split(strings.Repeat("x", 1000), "")...)
	}
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				c := commitOf(fmt.Sprint("group-", w%2), "t", i%10, int64(i%1000))
				c.Offsets[0].Metadata = strings.Repeat("m", 1000)
				if _, err := b.Commit(context.Background(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	last := brokertest.Offsets(t, b, "group-1", "")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	size, segments := int64(0), 0
	for _, dir := range []string{partitionDir(groupsTopic, shardOf("group-0")), partitionDir(groupsTopic, shardOf("group-1"))} {
		names, err := fs.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			st, err := fs.Stat(dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			size += st.Size
			if strings.HasSuffix(name, ".log") {
				segments++
				if name == "00000000000000000000.log" {
					t.Errorf("%s still has its first segment", dir)
				}
			}
		}
	}
	if size > 4*shardSegmentBytes || segments > 4 {
		t.Errorf("%d bytes in %d segments after %d commits", size, segments, each*writers)
	}
	b = engine(t, fs, Config{})
	if got := brokertest.Offsets(t, b, "group-1", ""); got != last {
		t.Errorf("found %s, was %s", got, last)
	}
}

// A power cut under --fsync=always takes no commit that was answered, at whatever moment it comes: also not while a
// snapshot takes the place of older segments.
func TestCommitsSurviveAPowerCut(t *testing.T) {
	type image struct {
		disk  *segmenttest.FS
		acked int64
	}
	var images []image // touched by one goroutine at a time: the syncer
	synced := map[string]bool{}
	var acked atomic.Int64
	acked.Store(-1)
	rng := rand.New(rand.NewPCG(1, 2))
	fs := segmenttest.New()
	fs.SetHook(func(op segmenttest.Op, name string) {
		first := op == segmenttest.OpSync && strings.HasPrefix(name, groupsTopic) && strings.HasSuffix(name, ".log") && !synced[name]
		if first { // of a segment that begins with a snapshot: it is not durable yet, so the older ones have to be there
			synced[name] = true
			for range 8 {
				before := acked.Load()
				images = append(images, image{fs.Crash(rng), before})
			}
		}
	})
	const commits = 3300 // of 1 KB: three rolls
	b := engine(t, fs, Config{Fsync: FsyncAlways})
	mustPut(t, makeTopic(t, b, "t", 1), 0, strings.Split(strings.Repeat("x", commits), "")...)
	for i := range int64(commits) {
		c := commitOf("g", "t", 0, i)
		c.Offsets[0].Metadata = strings.Repeat("m", 1000)
		brokertest.Commit(t, b, c)
		acked.Store(i)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if len(images) < 3*8 {
		t.Errorf("only %d power cuts", len(images))
	}
	for n, i := range append(images, image{fs.Crash(nil), commits - 1}) {
		again := engine(t, i.disk, Config{Fsync: FsyncAlways})
		g, err := again.Group(context.Background(), "g", "t")
		if i.acked >= 0 && (err != nil || g.Offsets[0].Offset < i.acked) {
			t.Errorf("power cut %d: %d was acknowledged, found %.40v %v", n, i.acked, g.Offsets, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Under --fsync=interval a power cut may take records that a group has committed already: their offsets are given out
// again, so the commit moves back to where the old ones end, and tells it.
func TestACommitAheadOfALostTailIsTruncated(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{FsyncInterval: 1 << 40})
	tp := makeTopic(t, b, "t", 1)
	mustPut(t, tp, 0, "a", "b")
	if err := tp.Append([]broker.Part{part(0, "c")}, broker.How{Sync: true}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, tp, 0, "d", "e")
	c := commitOf("g", "t", 0, 5)
	brokertest.Commit(t, b, c)
	a, err := b.shard(shardOf("g"))
	if err != nil {
		t.Fatal(err)
	}
	for busy := true; busy; { // the commit is made durable, the records are not
		a.ask(func() { a.startSync(); busy = a.sync.job != nil || a.sync.dirty })
	}
	fs = fs.Crash(nil)
	fs.SetBytes(bootName, []byte("an earlier boot"))
	b = engine(t, fs, Config{})
	g, err := b.Group(context.Background(), "g", "t")
	if err != nil || len(g.Offsets) != 1 || g.Offsets[0].Offset != 3 || g.Offsets[0].Truncated != 2 {
		t.Fatalf("%+v %v", g, err)
	}
	found, err := b.Topic(context.Background(), "t")
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, found.(*topic), 0, "other d", "other e", "f")
	commit(t, b, "g", "t", 0, 4)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = engine(t, fs, Config{})
	if g, err := b.Group(context.Background(), "g", "t"); err != nil || g.Offsets[0].Offset != 4 || g.Offsets[0].Truncated != 0 {
		t.Errorf("a commit in the new epoch: %+v %v", g, err)
	}
}

func TestShardFaults(t *testing.T) {
	fs := segmenttest.New()
	fs.NoReserve = true // nothing is kept free for commits
	b := engine(t, fs, Config{Fsync: FsyncAlways})
	mustPut(t, makeTopic(t, b, "t", 1), 0, "a", "b", "c")
	commit(t, b, "g", "t", 0, 1)
	fs.Fail(segmenttest.OpWrite, 1, syscall.ENOSPC)
	if _, err := b.Commit(context.Background(), commitOf("g", "t", 0, 2)); !errors.Is(err, broker.ErrDiskFull) {
		t.Errorf("a full disk: %v", err)
	}
	if got := brokertest.Offsets(t, b, "g", ""); got != "[t-0@1]" {
		t.Errorf("after a refused commit: %s", got)
	}
	commit(t, b, "g", "t", 0, 2) // heals by itself
	fs.Fail(segmenttest.OpSync, 1, errDisk)
	for range 2 { // sticky
		if _, err := b.Commit(context.Background(), commitOf("g", "t", 0, 3)); !errors.Is(err, broker.ErrStorage) {
			t.Errorf("after a failed sync: %v", err)
		}
	}
	if err := b.Ready(); !errors.Is(err, broker.ErrStorage) {
		t.Errorf("ready: %v", err)
	}
	mustPut(t, mustTopic(t, b, "t"), 0, "others go on")
}

func mustTopic(t *testing.T, b *Broker, name string) *topic {
	t.Helper()
	found, err := b.Topic(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found.(*topic)
}
