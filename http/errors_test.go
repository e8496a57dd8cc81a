package http

import (
	"fmt"
	"testing"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/segment/batch"
)

func TestPartialErrorTellsWhatIsStored(t *testing.T) {
	var b batch.Builder
	b.Reset(nil)
	b.Add(1, nil, []byte("v"))
	p := placed{
		parts: []broker.Part{
			{Partition: 2, Batch: b.Finish(), BaseOffset: 70, Stored: true},
			{Partition: 1},
			{Partition: 0, BaseOffset: 5, Stored: true},
		},
		batches: []placedBatch{{part: 0, rest: -1, delta: 3}, {part: 1, rest: -1}, {part: 2, rest: -1}},
	}
	e, _ := fault.Explain(p.appendFault(&broker.PartialError{Cause: broker.ErrStorage}))
	want := "[map[base_offset:5 last_offset:5 partition:0] map[base_offset:70 last_offset:73 partition:2]]"
	if got := fmt.Sprint(e.Details["stored"]); e.Kind.Status != 503 || got != want {
		t.Errorf("%d %s", e.Kind.Status, got)
	}
}
