package group

import (
	"testing"

	"flashq/broker"
)

// world is a book with topics and a clock: what a broker has around a shard.
type world struct {
	*book
	now    int64
	topics map[string]made
	made   byte // topics so far: each has an id of its own
}

type made struct {
	id         [16]byte
	partitions int
}

func newWorld(t testing.TB) *world {
	return &world{book: open(t), topics: map[string]made{}}
}

func (w *world) shape(name string) ([16]byte, int) {
	return w.topics[name].id, w.topics[name].partitions
}

// topic makes, changes or (0) deletes a topic.
func (w *world) topic(name string, partitions int) {
	id := id(name)
	w.made++
	id[15] = w.made
	if w.topics[name] = (made{id, partitions}); partitions == 0 {
		delete(w.topics, name)
	}
	w.write(w.shard.Refresh(name, w.shape, w.now))
}

// roomy is room for more than any test asks for.
var roomy = Room{Left: 100_000, All: 100_000}

// join has a member call, whose ack comes with what the partitions' owners say.
func (w *world) join(c broker.MemberCall, ack ...offset) (answer broker.Membership, err error) {
	return w.joinIn(roomy, c, ack...)
}

// joinIn does it where there is so much room for topics.
func (w *world) joinIn(room Room, c broker.MemberCall, ack ...offset) (answer broker.Membership, err error) {
	var origins []Origin
	c.Ack, origins = split(ack)
	plan, err := w.shard.Join(c, origins, Rooms{Topics: room, Commits: roomy}, w.shape, w.now, &answer)
	if err == nil {
		w.write(plan)
	}
	return answer, err
}

// fetch is a call as a fetch of one topic makes it.
func (w *world) fetch(group, member, topic string, ack ...offset) (broker.Membership, error) {
	return w.join(broker.MemberCall{
		Group: group, Member: member, Create: true, Topics: []string{topic}, Add: true, Topic: topic,
	}, ack...)
}

// pass lets time go by as the owner's timer would.
func (w *world) pass(ms int64) {
	for end := w.now + ms; ; {
		due, ok := w.shard.Due()
		if !ok || due > end {
			w.now = end
			return
		}
		w.now = max(w.now, due)
		w.write(w.shard.Expire(w.shape, w.now))
		w.write(w.shard.Rewrite(w.now))
	}
}
