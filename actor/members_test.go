package actor

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/segment/segmenttest"
)

func fetchAs(group, member string, topics ...string) broker.MemberCall {
	return broker.MemberCall{Group: group, Member: member, Create: true, Topics: topics, Add: true, Topic: topics[0]}
}

func waiterFor(t *testing.T, b *Broker, group, member string, seen uint64) *broker.GroupWatch {
	t.Helper()
	w := &broker.GroupWatch{Waiter: &broker.Waiter{Ready: make(chan struct{}, 1)}, Group: group, Member: member, Seen: seen}
	if err := b.WatchGroup(w); err != nil {
		t.Fatal(err)
	}
	return w
}

func isPoked(w *broker.GroupWatch) bool {
	synctest.Wait()
	select {
	case <-w.Waiter.Ready:
		return true
	default:
		return false
	}
}

// One timer ends leases to the millisecond, whoever renewed his; and tells whoever waits for the partitions.
func TestLeasesEndByTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustOpen(t, Config{})
		defer b.Close()
		makeTopic(t, b, "t", 3)
		for i, ms := range []int64{5000, 1000, 3000} {
			c := fetchAs("g", fmt.Sprint("m", i), "t")
			c.SessionMs = ms
			brokertest.Join(t, b, c)
		}
		last := brokertest.Join(t, b, fetchAs("g", "m0", "t"))
		w := waiterFor(t, b, "g", "m0", last.Seen)
		for _, at := range []time.Duration{time.Second, 2 * time.Second} {
			time.Sleep(at - time.Millisecond)
			if isPoked(w) {
				t.Fatal("a lease ended too early")
			}
			time.Sleep(time.Millisecond)
			if !isPoked(w) {
				t.Fatalf("a lease did not end after %v", at)
			}
			c := fetchAs("g", "m0", "t")
			c.Held = true
			last = brokertest.Join(t, b, c)
			w.Fired.Store(false)
			w.Seen = last.Seen
			if err := b.WatchGroup(w); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(last.Assignment["t"]); got != "[0 1 2]" || last.Generation != 5 {
			t.Errorf("%s in generation %d", got, last.Generation)
		}
		time.Sleep(time.Hour) // it waits
		g, err := b.Group(context.Background(), "g", "")
		if err != nil || g.Live != 1 {
			t.Fatalf("%+v %v", g, err)
		}
		b.LeaveGroup(w)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if _, err := b.Group(context.Background(), "g", ""); !errors.Is(err, broker.ErrGroupNotFound) {
			t.Errorf("after the last lease: %v", err)
		}
		a := b.groups.shards[shardOf("g")].Load()
		if len(a.shard.watches) != 0 || b.groups.totals.stored.Load() != 0 || b.groups.totals.subscribed.Load() != 0 {
			t.Errorf("left: %d who wait, %d groups, %d topics", len(a.shard.watches), b.groups.totals.stored.Load(), b.groups.totals.subscribed.Load())
		}
	})
}

// However the change comes between asking and waiting, the wake-up is not lost.
func TestAChangeBeforeTheWatchPokesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := mustOpen(t, Config{})
		defer b.Close()
		makeTopic(t, b, "t", 2)
		a := brokertest.Join(t, b, fetchAs("g", "a", "t"))
		brokertest.Join(t, b, fetchAs("g", "b", "t"))
		if w := waiterFor(t, b, "g", "a", a.Seen); !isPoked(w) {
			t.Error("a has something to give up and is not told")
		}
		again := brokertest.Join(t, b, fetchAs("g", "a", "t"))
		if w := waiterFor(t, b, "g", "a", again.Seen); isPoked(w) {
			t.Error("nothing has changed for a")
		}
		if w := waiterFor(t, b, "g", "nobody", 0); isPoked(w) {
			t.Error("nobody is told of nothing")
		}
		for _, reader := range []string{"g", "other"} {
			g, _ := b.Group(context.Background(), reader, "t")
			if w := waiterFor(t, b, reader, "", g.Seen); isPoked(w) {
				t.Errorf("nothing has changed for the readers of %s", reader)
			}
		}
	})
}

// Members do not outlive the broker; what they committed, and in which generation, does.
func TestGenerationsSurviveAKill(t *testing.T) {
	fs := segmenttest.New()
	b := engine(t, fs, Config{Fsync: FsyncAlways})
	mustPut(t, makeTopic(t, b, "t", 2), 0, "a", "b", "c")
	groups := []string{"members", "commits", "named"}
	for _, g := range groups {
		brokertest.Join(t, b, fetchAs(g, "a", "t"))
		brokertest.Join(t, b, fetchAs(g, "b", "t"))
	}
	ack := fetchAs("commits", "a", "t")
	ack.Generation, ack.Ack = 1, []broker.CommitOffset{{Topic: "t", Offset: 2}}
	brokertest.Join(t, b, ack)
	if _, err := b.PutGroup(context.Background(), "named", broker.StartLatest); err != nil {
		t.Fatal(err)
	}
	for cut := range int32(3) {
		fs = fs.Crash(nil)
		want := 3 + cut
		if cut == 2 { // it may have taken some that somebody was told
			fs.SetBytes(bootName, []byte("an earlier boot"))
			want += 1 << 20
		}
		b = engine(t, fs, Config{Fsync: FsyncAlways})
		if f := b.Found(); f.Groups != 2 {
			t.Errorf("%d groups are stored", f.Groups)
		}
		if got := brokertest.Offsets(t, b, "commits", ""); got != "[t-0@2]" {
			t.Errorf("committed %s", got)
		}
		for _, g := range groups {
			ack.Group = g
			_, err := b.Join(context.Background(), ack)
			var fenced *broker.FencedError
			if !errors.As(err, &fenced) {
				t.Errorf("%s: an ack from before: %v", g, err)
			}
			m := brokertest.Join(t, b, fetchAs(g, "a", "t"))
			if m.Generation != want {
				t.Errorf("%s: generation %d, want %d", g, m.Generation, want)
			}
		}
	}
}

// What can't be written is not so: a full disk refuses who joins, keeps who is there, and heals by itself.
func TestMembersOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		fs.NoReserve = true // nothing is kept free for commits
		b := engine(t, fs, Config{Fsync: FsyncNever})
		defer b.Close()
		makeTopic(t, b, "t", 2)
		brokertest.Join(t, b, fetchAs("g", "a", "t"))
		c := fetchAs("g", "b", "t")
		c.SessionMs = 1000
		brokertest.Join(t, b, c)
		brokertest.Join(t, b, fetchAs("g", "a", "t"))
		fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
		if _, err := b.Join(context.Background(), fetchAs("g", "c", "t")); !errors.Is(err, broker.ErrDiskFull) {
			t.Errorf("joining: %v", err)
		}
		time.Sleep(1500 * time.Millisecond)
		a := brokertest.Join(t, b, fetchAs("g", "a", "t")) // a heartbeat writes nothing
		if fmt.Sprint(a.Assignment["t"]) != "[0]" || a.Generation != 2 {
			t.Errorf("%+v", a)
		}
		fs.Heal()
		time.Sleep(time.Second) // the lease's end is tried again
		synctest.Wait()
		a = brokertest.Join(t, b, fetchAs("g", "a", "t"))
		if fmt.Sprint(a.Assignment["t"]) != "[0 1]" || a.Generation != 3 {
			t.Errorf("%+v", a)
		}
	})
}

// A shard that is down tells those who wait.
func TestAShardThatFailsPokesItsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		b := engine(t, fs, Config{Fsync: FsyncNever})
		defer b.Close()
		makeTopic(t, b, "t", 2)
		w := waiterFor(t, b, "g", "a", brokertest.Join(t, b, fetchAs("g", "a", "t")).Seen)
		fs.Fail(segmenttest.OpWrite, 1, errDisk)
		if _, err := b.Join(context.Background(), fetchAs("g", "b", "t")); !errors.Is(err, broker.ErrStorage) {
			t.Errorf("after a failed write: %v", err)
		}
		if !isPoked(w) {
			t.Error("a waits for a shard that is down")
		}
		if err := b.WatchGroup(w); !errors.Is(err, broker.ErrStorage) {
			t.Errorf("watching: %v", err)
		}
		b.LeaveGroup(w)
		if err := b.WatchGroup(&broker.GroupWatch{Waiter: w.Waiter, Group: "g"}); err != nil {
			t.Errorf("a reader who is no member: %v", err)
		}
	})
}

func TestWhatMembersAskForIsBounded(t *testing.T) {
	b := mustOpen(t, Config{MaxMemberTopics: 3, MaxGroups: 2})
	defer b.Close()
	brokertest.Join(t, b, fetchAs("g", "a", "t", "u"))
	brokertest.Join(t, b, fetchAs("h", "a", "t"))
	if _, err := b.Join(context.Background(), fetchAs("h", "b", "t")); !errors.Is(err, broker.ErrTooManyMembers) {
		t.Errorf("one topic more: %v", err)
	}
	if _, err := b.Join(context.Background(), fetchAs("i", "b", "t")); !errors.Is(err, broker.ErrTooManyGroups) {
		t.Errorf("one group more: %v", err)
	}
	brokertest.Join(t, b, fetchAs("g", "a", "t"))
	if err := b.Leave(context.Background(), "h", "a"); err != nil {
		t.Fatal(err)
	}
	brokertest.Join(t, b, fetchAs("i", "b", "t"))
}
