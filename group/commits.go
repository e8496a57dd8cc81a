package group

import (
	"cmp"
	"slices"
)

// commit is what a group committed in one partition.
type commit struct {
	topicID   [16]byte // of the topic that had the name then: another one of the same name has no commit
	offset    int64    // of the next record to read
	partition int32
	epoch     int32 // the partition's leader epoch at the time
	metadata  string
	timestamp int64 // when, milliseconds
	truncated int64 // how far Clamp moved offset back; it is in no log
}

// commits are a group's in one topic, sorted by partition: a list holds a million of them in half of what maps take.
type commits []commit

func (all commits) find(partition int32) (at int, found bool) {
	if last := len(all) - 1; last >= 0 && all[last].partition < partition { // the log comes in this order
		return last + 1, false
	}
	return slices.BinarySearchFunc(all, partition, func(c commit, p int32) int { return cmp.Compare(c.partition, p) })
}

// of gives the commit in a partition, if there is one.
func (all commits) of(partition int32) (c commit, ok bool) {
	at, ok := all.find(partition)
	if ok {
		c = all[at]
	}
	return c, ok
}

// with takes the place of all, which has another commit in a partition then.
func (all commits) with(c commit) commits {
	at, found := all.find(c.partition)
	if found {
		all[at] = c
		return all
	}
	return slices.Insert(all, at, c)
}

// without takes the place of all, which has no commit in a partition then.
func (all commits) without(partition int32) commits {
	at, found := all.find(partition)
	switch {
	case !found:
		return all
	case at == 0: // a topic's end comes in this order
		all[0] = commit{}
		return all[1:]
	}
	return slices.Delete(all, at, at+1)
}
