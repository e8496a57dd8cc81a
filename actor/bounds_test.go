package actor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment"
	"flashq/segment/segmenttest"
)

// limit gives the bound that an error is about.
func limit(err error) (most int64, what error) {
	var l *broker.LimitError
	if !errors.As(err, &l) {
		return 0, nil
	}
	return l.Limit, l.Err
}

// withMetadata is a commit of partition 0 that says so much beside its offset.
func withMetadata(group, topic string, offset int64, bytes int) broker.Commit {
	c := commitOf(group, topic, 0, offset)
	c.Offsets[0].Metadata = strings.Repeat("m", bytes)
	return c
}

// The product of limits is a limit of its own: of all partitions, and of what all groups commit.
func TestTotalsAreBounded(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, Config{Dir: dir, MaxTopics: 3, MaxPartitionsTotal: 5, MaxGroups: 3, MaxCommits: 5})
	ctx := context.Background()
	makeTopic(t, b, "t", 3)
	makeTopic(t, b, "u", 1)
	create := func(partitions int) (int64, error) {
		_, _, err := b.CreateTopic(ctx, "v", broker.TopicChange{Partitions: partitions})
		return limit(err)
	}
	if most, what := create(2); !errors.Is(what, broker.ErrTooManyPartitions) || most != 5 {
		t.Errorf("6 partitions: %v %d", what, most)
	}
	if err := b.DeleteTopic(ctx, "u"); err != nil {
		t.Fatal(err)
	}
	if _, what := create(2); what != nil {
		t.Errorf("after a deletion: %v", what)
	}
	makeTopic(t, b, "t", 3) // it is there
	commit(t, b, "g", "t", 0, 0)
	commit(t, b, "h", "t", 0, 0) // a group counts, and so does its commit: 4 of 5
	dry := withMetadata("g", "t", 0, 600)
	dry.DryRun = true
	for name, err := range map[string]error{
		"metadata": second(b.Commit(ctx, withMetadata("g", "t", 0, 600))), "a dry run": second(b.Commit(ctx, dry)),
		"a group's name": second(b.PutGroup(ctx, strings.Repeat("n", 255), "")),
	} {
		if most, what := limit(err); !errors.Is(what, broker.ErrTooManyCommits) || most != 5 {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.Close()
	b = mustOpen(t, Config{Dir: dir, MaxPartitionsTotal: 5, MaxCommits: 3})
	defer b.Close()
	if f := b.Found(); f.Commits < 4 {
		t.Errorf("found %+v", f)
	}
	if _, _, err := b.CreateTopic(ctx, "w", broker.TopicChange{}); !errors.Is(err, broker.ErrTooManyPartitions) {
		t.Errorf("a partition more after a start: %v", err)
	}
	// What there is already may be more than the bounds by now: it stays, and may change.
	commit(t, b, "g", "t", 0, 0)
	brokertest.Join(t, b, fetchAs("h", "m", "t"))
	if most, what := limit(second(b.PutGroup(ctx, "late", broker.StartLatest))); !errors.Is(what, broker.ErrTooManyCommits) || most != 3 {
		t.Errorf("one more: %v %d", what, most)
	}
	if _, _, err := b.CreateTopic(ctx, "t", broker.TopicChange{RetentionMs: new(int64)}); err != nil {
		t.Errorf("a change beyond the bound: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// However much groups commit, they take their share of memory storage and no more: what topics hold stays.
func TestCommitsLeaveRecordsTheirMemory(t *testing.T) {
	b := mustOpen(t, Config{MemoryBytes: 16 << 20})
	defer b.Close()
	ctx := context.Background()
	tp := makeTopic(t, b, "t", 1)
	for range 4 << 10 {
		mustPut(t, tp, 0, strings.Repeat("x", 1000))
	}
	for i := range 20_000 { // much of little, as acknowledgements are
		commit(t, b, fmt.Sprint("few-", i%10), "t", 0, int64(i%1000))
	}
	if used := b.memory.Used() - held(t, tp); used > 1<<20 {
		t.Errorf("%d bytes for ten commits", used)
	}
	refused := 0
	for i := range 4000 { // and much of much
		_, err := b.Commit(ctx, withMetadata(fmt.Sprint("many-", i), "t", 0, 4000))
		switch most, what := limit(err); {
		case err == nil:
		case errors.Is(what, broker.ErrTooManyCommits) && most == 4096:
			refused++
		default:
			t.Fatal(err)
		}
	}
	if refused < 3000 {
		t.Errorf("only %d were refused", refused)
	}
	if s, err := tp.Stats(ctx, 0); err != nil || s.LogStart != 0 {
		t.Errorf("records were evicted: %+v %v", s, err)
	}
	if used, weight := b.memory.Used(), b.groups.totals.weight.Load(); used-held(t, tp) > 4<<20 || weight > 4096 {
		t.Errorf("%d bytes for groups that count as %d", used-held(t, tp), weight)
	}
	for i := range 4000 { // to go is always possible
		if err := b.DeleteGroup(ctx, fmt.Sprint("many-", i), false); err != nil && !errors.Is(err, broker.ErrGroupNotFound) {
			t.Fatal(err)
		}
	}
	if weight := b.groups.totals.weight.Load(); weight != 20 {
		t.Errorf("what is left counts as %d", weight)
	}
}

// What groups commit is paid for, beside the logs that say it.
func TestCommitsArePartOfMemory(t *testing.T) {
	m := segment.NewMemory(1 << 20)
	totals := groupTotals{memory: m}
	totals.add(1, 0, 3)
	if m.Used() != 3*broker.CommitBytes {
		t.Errorf("%d bytes", m.Used())
	}
	if totals.add(-1, 0, -3); m.Used() != 0 {
		t.Errorf("%d bytes are not given back", m.Used())
	}
}

// held is how many bytes the only partition of a topic holds.
func held(t *testing.T, tp *topic) int64 {
	t.Helper()
	s, err := tp.Stats(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return s.Bytes
}

// A commit that is larger than a segment of the log goes in all the same, also after a snapshot.
func TestACommitLargerThanASegment(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{})
	tp := makeTopic(t, b, "t", 200)
	large := broker.Commit{Group: "g", Create: true}
	for p := range tp.actors {
		large.Offsets = append(large.Offsets, broker.CommitOffset{Topic: "t", Partition: p, Metadata: strings.Repeat("m", 8000)})
	}
	for range 4 {
		commit(t, b, "g", "t", 0, 0)
		brokertest.Commit(t, b, large)
	}
	b.Close()
	b = engine(t, fs, Config{})
	defer b.Close()
	if g, err := b.Group(context.Background(), "g", "t"); err != nil || len(g.Offsets) != 200 || len(g.Offsets[9].Metadata) != 8000 {
		t.Errorf("%d offsets, %v", len(g.Offsets), err)
	}
}

// A snapshot for which there is no room is written when there is, and only then the old segments go.
func TestAGroupsSnapshotIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		fs.NoReserve = true // nothing is kept free for commits
		b := engine(t, fs, Config{Fsync: FsyncNever})
		defer b.Close()
		makeTopic(t, b, "t", 1)
		dir := partitionDir(groupsTopic, shardOf("g"))
		first := dir + "/00000000000000000000.log"
		var failed atomic.Bool
		fs.SetHook(func(op segmenttest.Op, name string) {
			snapshot := strings.HasPrefix(name, dir) && strings.HasSuffix(name, ".log") && name != first
			if op == segmenttest.OpWrite && snapshot && !failed.Swap(true) {
				fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
			}
		})
		for !failed.Load() {
			_, err := b.Commit(context.Background(), withMetadata("g", "t", 0, 8000))
			if err != nil && !errors.Is(err, broker.ErrDiskFull) {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(2*lastRetry + time.Second) // tried twice, in vain
		if _, err := fs.Stat(first); err != nil {
			t.Errorf("what nothing says again is gone: %v", err)
		}
		fs.Heal()
		time.Sleep(lastRetry)
		synctest.Wait()
		if _, err := fs.Stat(first); !errors.Is(err, segment.ErrNotExist) {
			t.Errorf("the old segment is there still: %v", err)
		}
		if got := brokertest.Offsets(t, b, "g", ""); got != "[t-0@0]" {
			t.Errorf("committed %s", got)
		}
	})
}
