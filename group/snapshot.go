package group

import (
	"fmt"

	"flashq/segment/batch"
)

// snapshotBatch bounds one batch of a snapshot in bytes.
const snapshotBatch = 256 << 10

// Snapshot says all that counts again, in batches: after them nothing older in the log is needed. It ends with put's
// first error.
func (s *Shard) Snapshot(now int64, put func(batch.Batch) error) error {
	var w batch.Builder
	flush := func() error {
		if b := w.Finish(); b != nil {
			if err := put(b); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
		}
		w.Reset(nil) // the storage may have kept the bytes
		return nil
	}
	full := func() error {
		if len(w.Buf) < snapshotBatch {
			return nil
		}
		return flush()
	}
	if s.floor > 0 {
		w.Add(now, groupKey(nobody), (&state{generation: s.floor}).encode(now))
	}
	for name, g := range s.groups {
		if g.explicit || g.generation > 0 {
			w.Add(now, groupKey(name), g.encode(now))
		}
		for topic := range g.met {
			w.Add(now, commitKey(name, topic, noPartition), met.encode())
			if err := full(); err != nil {
				return err
			}
		}
		for topic, all := range g.commits {
			for _, c := range all {
				w.Add(now, commitKey(name, topic, c.partition), c.encode())
				if err := full(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}
