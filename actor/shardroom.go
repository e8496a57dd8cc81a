package actor

import (
	"time"

	"flashq/broker"
	"flashq/segment"
)

// On a disk without any room, what groups have committed can still be deleted, and a shard's log be compacted: it has
// blocks of its own. In the active segment, for the tombstones of all that there is, which other changes leave alone.
// And in the file that will be the next segment, for a copy of all that counts with its tombstones after it.

const (
	// roomBlock is the least that a shard has room for, and what compaction has to give back at least.
	roomBlock = 4 << 10
	// roomStep is by how much the room of a large shard grows.
	roomStep = 64 << 10
)

// shardRoom is how much is reserved for a copy of so many bytes: it grows in steps, so that it is seldom taken anew.
func shardRoom(bytes int64) int64 {
	if bytes >= roomStep {
		return (bytes + roomStep - 1) / roomStep * roomStep
	}
	room := int64(0)
	for bytes > room {
		room = max(roomBlock, 2*room)
	}
	return room
}

// room is what a shard needs: nothing where nothing was ever said.
func (a *Actor) room() int64 {
	return max(shardRoom(a.shard.groups.SnapshotBytes()), shardRoom(min(a.part.Bytes(), 1)))
}

// reserveFor takes blocks for a change of groups, and refuses it where it would take those that deletions need.
func (a *Actor) reserveFor(r *request) error {
	err := a.part.Reserve(int64(len(r.part.Batch)) + a.room())
	if r.proposal.frees || !segment.IsNoSpace(err) {
		return nil // it is what the room is for, or writing will tell
	}
	a.full.Store(nowMillis())
	a.logger.Warn("no room to write", "partition", a.name, "error", err)
	a.compact()
	return broker.ErrDiskFull
}

// keepRoom sees to it that a shard has its room: it grows with what counts, and is taken again after a roll. Where it
// can't be had for now, it is tried again, and what is superfluous in the log goes.
func (a *Actor) keepRoom() {
	if a.shard == nil || a.failed != nil || a.sync.sealing != open || a.part.Torn() {
		return
	}
	room := a.room()
	err := a.part.Reserve(room)
	if err == nil {
		err = a.part.ReserveNext(2 * room)
	}
	if err == nil {
		return
	}
	if segment.IsNoSpace(err) {
		a.compact()
	}
	if a.shard.roomDue {
		return
	}
	a.retries.Reserves.Add(1)
	a.logger.Warn("no room yet for deletions of commits on a full disk", "partition", a.name, "error", err)
	a.shard.roomDue = true
	time.AfterFunc(lastRetry, func() { a.post(chore(a.retryRoom)) })
}

// retryRoom takes the room that could not be had, and then compacts what could not be without.
func (a *Actor) retryRoom() {
	a.shard.roomDue = false
	if a.keepRoom(); !a.shard.roomDue && a.scarce() {
		a.compact()
	}
}

// compact has a shard's log roll, and say again what counts, where that gives at least a block back and there is room
// for it.
func (a *Actor) compact() {
	live := a.shard.groups.SnapshotBytes()
	under := a.shard.snapshot.end > 0 || a.sync.snapshotDue || a.sync.sealing != open
	if under || a.part.ActiveEmpty() || a.part.Bytes()-live < roomBlock || a.part.NextReserved() < live {
		return
	}
	a.seal()
}

// scarce is how little room on a disk has deletions give back at once what they can.
const scarce = 16 << 20

// scarce tells whether the disk is full, or nearly.
func (b *Broker) scarce() bool {
	disk, ok := b.fs.(segment.RoomTeller)
	if !ok {
		return false
	}
	room, err := disk.Room()
	return err == nil && room < scarce
}
