package http

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
	"flashq/http/recordjson"
	"flashq/segment/batch"
)

func TestEveryEngineErrorHasItsAnswer(t *testing.T) {
	for _, test := range []struct {
		err       error
		status    int
		code      string
		retryable bool
	}{
		{broker.ErrTopicNotFound, 404, "topic_not_found", false},
		{broker.ErrPartitionNotFound, 404, "partition_not_found", false},
		{broker.ErrPartitionsImmutable, 409, "partitions_immutable", false},
		{broker.ErrTooManyTopics, 409, "conflict", false},
		{broker.ErrConflict, 409, "conflict", false},
		{broker.ErrInvalid, 400, "validation_error", false},
		{broker.ErrOverloaded, 429, "overloaded", true},
		{broker.ErrDraining, 503, "draining", true},
		{context.Canceled, 503, "draining", true},
		{broker.ErrRecovering, 503, "recovering", true},
		{broker.ErrDiskFull, 503, "disk_full", true},
		{broker.ErrStorage, 503, "storage_error", true},
		{&broker.PartialError{Cause: broker.ErrDiskFull}, 503, "partially_stored", true},
		{&recordjson.Error{Code: "invalid_json"}, 400, "invalid_json", false},
		{&recordjson.Error{Code: "validation_error"}, 400, "validation_error", false},
		{&recordjson.Error{Code: "record_validation_error"}, 422, "record_validation_error", false},
		{&recordjson.Error{Code: "partition_not_found"}, 404, "partition_not_found", false},
	} {
		e, known := explain(fmt.Errorf("partition 3: %w", test.err))
		if !known || e.status != test.status || e.code != test.code || e.retryable() != test.retryable {
			t.Errorf("%v: %d %s retryable %v", test.err, e.status, e.code, e.retryable())
		}
	}
}

func TestUnknownErrorsStayInTheLog(t *testing.T) {
	e, known := explain(errors.New("open /var/lib/secret: permission denied"))
	if known || e.status != 500 || e.code != "internal_error" || e.message != "Internal error" {
		t.Error(e, known)
	}
}

func TestPartialErrorTellsWhatIsStored(t *testing.T) {
	var b batch.Builder
	b.Reset(nil)
	b.Add(1, nil, []byte("v"))
	p := production{
		parts: []broker.Part{
			{Partition: 2, Batch: b.Finish(), BaseOffset: 70, Stored: true},
			{Partition: 1},
			{Partition: 0, BaseOffset: 5, Stored: true},
		},
		deltas: []int64{3, 0, 0},
	}
	e, _ := explain(p.appendFault(&broker.PartialError{Cause: broker.ErrStorage}))
	want := "[map[base_offset:5 last_offset:5 partition:0] map[base_offset:70 last_offset:73 partition:2]]"
	if got := fmt.Sprint(e.details["stored"]); e.status != 503 || got != want {
		t.Errorf("%d %s", e.status, got)
	}
}
