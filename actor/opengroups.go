package actor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"flashq/broker"
	"flashq/group"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// groupsTopic is the internal log of what groups commit; the name and what is in it are Kafka's.
const groupsTopic = "__consumer_offsets"

func isShardDir(name string) bool {
	_, ok := shardIndex(name)
	return ok
}

// shardIndex reads a shard's number from its folder's name.
func shardIndex(dir string) (int, bool) {
	number, ok := strings.CutPrefix(dir, groupsTopic+"-")
	i, err := strconv.Atoi(number)
	return i, ok && err == nil && i >= 0 && i < shardCount && strconv.Itoa(i) == number
}

// uuidOf reads a topic id back; one that can't be read is nobody's.
func uuidOf(id string) (u [16]byte) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err == nil && len(raw) == len(u) {
		copy(u[:], raw)
	}
	return u
}

// openGroups starts the shards whose logs exist. It runs after the topics: a commit counts for the topic it was made
// for, and only as far as that still goes.
func (b *Broker) openGroups() error {
	names, err := b.fs.ReadDir("")
	if err != nil {
		return err
	}
	for _, dir := range names {
		i, ok := shardIndex(dir)
		if !ok {
			continue
		}
		a, err := b.openShard(i)
		if err != nil {
			b.noteRecovery(dir, segment.Report{}, err)
			a = b.ownDead(groupsTopic, i, err)
		}
		b.groups.shards[i].Store(a)
	}
	b.found.Groups, b.found.Commits = int(b.groups.totals.stored.Load()), int(b.groups.totals.weight.Load())
	return nil
}

// openShard recovers one shard and starts its owner.
func (b *Broker) openShard(i int) (*Actor, error) {
	dir := partitionDir(groupsTopic, i)
	p, report, err := partition.Open(b.partitionConfig(dir, shardRetention(b.shardRollAt())))
	if err != nil {
		return nil, err
	}
	shard, err := b.readShard(p, dir)
	if err != nil {
		return nil, errors.Join(err, p.Close(true))
	}
	b.noteRecovery(dir, report, nil)
	shard.Enter(p.Epoch())
	shard.Prune(func(name string, id [16]byte) bool {
		t, ok := b.topics.Load(name)
		return ok && t.uuid == id
	})
	shard.Clamp(b.epochEnd)
	a := b.own(groupsTopic, i, p, newShardOwner(shard, b.shardRollAt(), b.shape, &b.groups.totals))
	a.ask(a.keepRoom)
	return a, nil
}

// readShard replays a shard's log. What is damaged in it is reported and left out: a commit that is missing, or older
// than it was, means that records are delivered again, not that any is lost.
func (b *Broker) readShard(p *partition.Partition, dir string) (*group.Shard, error) {
	shard := group.NewShard()
	replay := func(data batch.Batch) error {
		if epoch := data.LeaderEpoch(); epoch <= p.Epoch() { // no CRC covers it
			shard.Enter(epoch)
		}
		if err := shard.Replay(data); err != nil {
			b.config.Logger.Error("a group's record can't be read", "partition", dir, "error", err)
		}
		return nil
	}
	return shard, eachBatch(p, replay, func(d *segment.DamagedError) error {
		b.config.Logger.Error("groups' commits are damaged; older ones count", "partition", dir, "error", d)
		return nil
	})
}

// epochEnd is as far as a partition still has what it had in an epoch; false where that can't be known.
func (b *Broker) epochEnd(name string, partition, epoch int32) (end int64, ok bool) {
	t, found := b.topics.Load(name)
	if !found {
		return 0, false
	}
	a, err := t.actor(int(partition))
	if err != nil {
		return 0, false
	}
	return end, a.ask(func() { end = a.part.EpochEnd(epoch) })
}

// shard gives the owner of a shard, which is started when it is first needed.
func (b *Broker) shard(i int) (*Actor, error) {
	if a := b.groups.shards[i].Load(); a != nil {
		return a, nil
	}
	b.groups.mu.Lock()
	defer b.groups.mu.Unlock()
	if a := b.groups.shards[i].Load(); a != nil {
		return a, nil
	}
	if b.closing.Load() {
		return nil, broker.ErrDraining
	}
	dir := partitionDir(groupsTopic, i)
	err := b.roomForLogs(1)
	if err == nil {
		err = b.fs.Mkdir(dir)
	}
	if err == nil {
		err = b.fs.SyncDir("")
	}
	if err != nil {
		return nil, writeError(fmt.Errorf("%s: %w", dir, err))
	}
	a, err := b.openShard(i)
	if err != nil {
		return nil, writeError(fmt.Errorf("%s: %w", dir, err))
	}
	b.groups.shards[i].Store(a)
	return a, nil
}
