package group

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/segment/batch"
)

// FuzzReplay reads any two records as a group's: never a panic; what is taken is said again by a snapshot, which makes the
// same state, and it weighs what its parts do.
func FuzzReplay(f *testing.F) {
	c := commit{topicID: [16]byte{1}, offset: 5, partition: 2, epoch: 1, metadata: "batch 42", timestamp: 1000}
	named := &state{generation: 7, start: "latest", explicit: true}
	f.Add(commitKey("g", "news", 2), c.encode(), groupKey("g"), named.encode(1000))
	f.Add(commitKey("g", "news", noPartition), met.encode(), groupKey("g"), []byte{})
	f.Add(groupKey(nobody), named.encode(1000), commitKey("", "", 0), c.encode())
	f.Add(commitKey("g", "news", 2), c.encode(), commitKey("g", "news", 2), []byte{})
	f.Add([]byte{0, 2, 0xff, 0xff}, []byte{0}, []byte{0}, []byte{0, 4})
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 []byte) {
		var b batch.Builder
		b.Add(1000, key1, value1)
		b.Add(1000, key2, orNil(value2))
		s := NewShard()
		if err := s.Replay(b.Finish()); err != nil && !errors.Is(err, ErrEncoding) {
			t.Fatal(err)
		}
		again := NewShard()
		if err := s.Snapshot(1000, again.Replay); err != nil {
			t.Fatal(err)
		}
		if got, want := said(again), said(s); !cmp.Equal(got, want) {
			t.Fatalf("the snapshot says otherwise: %s", cmp.Diff(want, got))
		}
	})
}

// orNil makes an empty value a tombstone.
func orNil(p []byte) []byte {
	if len(p) == 0 {
		return nil
	}
	return p
}

// told is what a shard knows of a group.
type told struct {
	Explicit   bool
	Start      string
	Generation int32
	Commits    map[string]map[int32]int64
	Met        int
}

func said(s *Shard) map[string]told {
	all := map[string]told{"": {Generation: s.floor}}
	for name, g := range s.groups {
		one := told{Explicit: g.explicit, Start: g.start, Generation: g.generation, Met: len(maps.Clone(g.met)), Commits: map[string]map[int32]int64{}}
		for topic, commits := range g.commits {
			one.Commits[topic] = map[int32]int64{}
			for _, c := range commits {
				one.Commits[topic][c.partition] = c.offset
			}
		}
		all["g "+name] = one
	}
	return all
}
