package group

import (
	"flashq/broker"
	"flashq/segment/batch"
)

// weigh tells what a group or a commit counts as against the bound on all of them: one, and one more for every so many
// bytes of its names and metadata.
func weigh(bytes int) int64 { return 1 + int64(bytes/broker.CommitBytes) }

func weightOf(group, topic string, c commit) int64 {
	return weigh(len(group) + len(topic) + len(c.metadata))
}

// What a record of the log takes at most beside the names and the metadata in it.
const (
	commitBytes = 56
	groupBytes  = 64
)

// gain counts a commit, or that a topic was met; lose one that is no more.
func (s *Shard) gain(group, topic string, c commit) {
	s.weight += weightOf(group, topic, c)
	s.bytes += recordBytes(group, topic, c)
}

func (s *Shard) lose(group, topic string, c commit) {
	s.weight -= weightOf(group, topic, c)
	s.bytes -= recordBytes(group, topic, c)
}

func recordBytes(group, topic string, c commit) int64 {
	return commitBytes + int64(len(group)+len(topic)+len(c.metadata))
}

// SnapshotBytes is what Snapshot writes at most; 0 where there are no groups.
func (s *Shard) SnapshotBytes() int64 {
	if len(s.groups) == 0 {
		return 0
	}
	all := s.bytes + groupBytes // and how far generations went
	return all + (1+all/snapshotBatch)*batch.HeaderSize
}

// Weight is what the groups and their commits count as.
func (s *Shard) Weight() int64 { return s.weight }

// Room is how much more there may be of something in all groups.
type Room struct{ Left, All int64 }

// refuses tells that so much more does not go in. What takes nothing more always does.
func (r Room) refuses(more int64) bool { return more > 0 && more > r.Left }

// Admit refuses a new group for which there is no room beside all commits: a LimitError around ErrTooManyCommits.
func (r Room) Admit(name string) error {
	if !r.refuses(weigh(len(name))) {
		return nil
	}
	return &broker.LimitError{Err: broker.ErrTooManyCommits, Limit: r.All}
}
