package actor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

func commitAt(b *Broker, group, topic string, partition int, offset int64) error {
	_, err := b.Commit(context.Background(), broker.Commit{
		Group: group, Create: true, Offsets: []broker.CommitOffset{{Topic: topic, Partition: partition, Offset: offset}},
	})
	return err
}

// committed lists what a group has committed, and how large the log that says so is.
func committed(t *testing.T, b *Broker, group string) (all map[string]int64, bytes int64) {
	t.Helper()
	g, err := b.Group(context.Background(), group, "")
	if err != nil && !errors.Is(err, broker.ErrGroupNotFound) {
		t.Fatal(err)
	}
	all = map[string]int64{}
	for _, o := range g.Offsets {
		all[fmt.Sprint(o.Topic, o.Partition)] = o.Offset
	}
	a := b.groups.shards[shardOf(group)].Load()
	a.ask(func() { bytes = a.part.Bytes() })
	return all, bytes
}

// On a disk without a block what was committed in a deleted topic, and by a deleted group, goes out of the log, as does
// what was overtaken; again and again, also after a restart there. Other commits are refused then.
func TestCommitsAreCompactedOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		fs := segmenttest.New()
		b := engine(t, fs, Config{})
		mustPut(t, makeTopic(t, b, "keep", 1), 0, strings.Split(strings.Repeat("x", 400), "")...)
		const topics, partitions = 4, 50
		for i := range topics {
			gone := makeTopic(t, b, fmt.Sprint("gone", i), partitions)
			for p := range partitions {
				mustPut(t, gone, p, "x")
				if err := commitAt(b, "g", gone.name, p, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 400 { // overtaken
			if err := commitAt(b, "g", "keep", 0, int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		kept := int64(399)
		synctest.Wait()
		held := make(chan struct{}) // the topics' own room would come back before it is needed
		full := func() {
			fs.SetHook(func(op segmenttest.Op, name string) {
				if op == segmenttest.OpRemove && strings.Contains(name, deleteMark+"/") {
					<-held
				}
			})
			fs.Fill()
		}
		wrong := func(what string, left int, most int64) {
			t.Helper()
			time.Sleep(time.Second) // in the bubble's time: sealed, written again, trimmed
			all, bytes := committed(t, b, "g")
			if len(all) != left || left > 0 && all["keep0"] != kept || bytes > most {
				t.Errorf("%s: %d commits, %d bytes of log; want %d, and up to %d", what, len(all), bytes, left, most)
			}
		}
		_, before := committed(t, b, "g")
		full()
		defer close(held)
		var err error
		for i := kept + 1; err == nil && i < 450; i++ {
			if err = commitAt(b, "g", "keep", 0, 400); err == nil {
				kept = 400
			}
		}
		if !errors.Is(err, broker.ErrDiskFull) || !errors.Is(b.Ready(), broker.ErrDiskFull) {
			t.Fatalf("commits on a full disk: %v, %v", err, b.Ready())
		}
		wrong("overtaken", topics*partitions+1, before/2+8<<10)
		for round := range 2 {
			for i := range topics / 2 {
				name := fmt.Sprint("gone", topics/2*round+i)
				fs.Fill() // somebody takes what came back
				if err := b.DeleteTopic(ctx, name); err != nil {
					t.Fatal(err)
				}
				left := topics - topics/2*round - i - 1
				wrong(name, left*partitions+1, int64(left*partitions+1)*140+roomBlock)
			}
			fs = fs.Kill()
			full()
			b = engine(t, fs, Config{})
		}
		if err := b.DeleteGroup(ctx, "g", true); err != nil {
			t.Fatalf("the group is deleted: %v", err)
		}
		wrong("group", 0, roomBlock)
		fs = fs.Kill()
		fs.Fill()
		b = engine(t, fs, Config{})
		wrong("after a restart", 0, roomBlock)
		fs.Heal()
		time.Sleep(time.Minute) // in the bubble's time
		if err := commitAt(b, "g", "keep", 0, 7); err != nil {
			t.Errorf("a commit with room again: %v", err)
		}
	})
}
