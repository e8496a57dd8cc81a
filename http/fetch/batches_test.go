package fetch

import (
	"testing"

	"flashq/segment/batch"
)

// An engine's offsets may have gaps, and then the end that to_time sets may be in one.
func TestABatchAfterTheEndDoesNotCome(t *testing.T) {
	var raw []byte
	for _, base := range []int64{5, 20} {
		var build batch.Builder
		build.Add(1000, nil, []byte("v"))
		b := build.Finish()
		b.SetBaseOffset(base)
		raw = append(raw, b...)
	}
	r := rounds{tally: tally{most: Amount{Records: 10, Bytes: 1000}}}
	c := cursor{next: 5, end: 10, high: 30, fixed: true, started: true}
	if kept := r.admitBatches(&c, new(batches), raw); kept != len(raw)/2 || c.next != 10 || !c.done() {
		t.Errorf("%d bytes of %d, next is %d", kept, len(raw), c.next)
	}
}
