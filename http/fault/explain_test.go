package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
	"flashq/http/recordjson"
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
		{broker.ErrTooLarge, 413, "body_too_large", false},
		{broker.ErrDraining, 503, "draining", true},
		{context.Canceled, 503, "draining", true},
		{broker.ErrRecovering, 503, "recovering", true},
		{broker.ErrDiskFull, 503, "disk_full", true},
		{broker.ErrTooManyOpenFiles, 503, "too_many_open_files", true},
		{broker.ErrStorage, 503, "storage_error", true},
		{&broker.PartialError{Cause: broker.ErrDiskFull}, 503, "partially_stored", true},
		{&recordjson.Error{Code: "invalid_json"}, 400, "invalid_json", false},
		{&recordjson.Error{Code: "validation_error"}, 400, "validation_error", false},
		{&recordjson.Error{Code: "record_validation_error"}, 422, "record_validation_error", false},
		{&recordjson.Error{Code: "partition_not_found"}, 404, "partition_not_found", false},
	} {
		e, known := Explain(fmt.Errorf("partition 3: %w", test.err))
		if !known || e.Kind.Status != test.status || e.Kind.Code != test.code || e.Kind.Retryable != test.retryable {
			t.Errorf("%v: %d %s retryable %v", test.err, e.Kind.Status, e.Kind.Code, e.Kind.Retryable)
		}
	}
}

func TestUnknownErrorsStayInTheLog(t *testing.T) {
	e, known := Explain(errors.New("open /var/lib/secret: permission denied"))
	if known || e.Kind.Status != 500 || e.Kind.Code != "internal_error" || e.Message != "Internal error" {
		t.Error(e, known)
	}
}
