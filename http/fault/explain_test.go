package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
	"flashq/http/recordbody"
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
		{broker.ErrKeyReused, 422, "idempotency_key_reused", false},
		{broker.ErrKeyInFlight, 409, "idempotency_in_flight", true},
		{&broker.LimitError{Err: broker.ErrTooManyKeys}, 429, "overloaded", true},
		{&broker.LimitError{Err: broker.ErrTooManyProducers}, 429, "overloaded", true},
		{
			&broker.PartitionError{Err: &broker.SequenceError{Err: broker.ErrOutOfOrderSequence}}, 409,
			"out_of_order_sequence", false,
		},
		{&broker.PartitionError{Err: &broker.SequenceError{Err: broker.ErrProducerFenced}}, 409, "producer_fenced", false},
		{&recordbody.Error{Code: "corrupt_batch"}, 422, "corrupt_batch", false},
		{&recordbody.Error{Code: "not_supported"}, 422, "not_supported", false},
		{&recordbody.Error{Code: "invalid_json"}, 400, "invalid_json", false},
		{&recordbody.Error{Code: "validation_error"}, 400, "validation_error", false},
		{&recordbody.Error{Code: "record_validation_error"}, 422, "record_validation_error", false},
		{&recordbody.Error{Code: "partition_not_found"}, 404, "partition_not_found", false},
	} {
		e, known := Explain(fmt.Errorf("partition 3: %w", test.err))
		if !known || e.Kind.Status != test.status || e.Kind.Code != test.code || e.Kind.Retryable != test.retryable {
			t.Errorf("%v: %d %s retryable %v", test.err, e.Kind.Status, e.Kind.Code, e.Kind.Retryable)
		}
	}
}

// Who can't have a topic learns which folder is in its way, and what to do.
func TestAFolderInTheWayIsNamed(t *testing.T) {
	for _, test := range []struct {
		err  *broker.FolderError
		want string
	}{
		{
			&broker.FolderError{Folder: "t-0"},
			"Folder t-0 in the data folder holds records of an unknown topic: stop the broker and move the folder away, or take another name",
		},
		{
			&broker.FolderError{Folder: "t-0", Leaving: true},
			"Folder t-0 of the deleted topic of this name is still being removed: try again",
		},
	} {
		e, known := Explain(&broker.TopicError{Topic: "t", Err: test.err})
		if !known || e.Kind != Conflict || e.Message != test.want || e.Details["folder"] != "t-0" {
			t.Errorf("%+v", e)
		}
	}
}

// Who meets a bound learns which, how large it is and what sets it.
func TestBoundsNameTheirFlags(t *testing.T) {
	for _, test := range []struct {
		err           error
		message, flag string
	}{
		{
			&broker.TopicError{Topic: "t", Err: &broker.LimitError{Err: broker.ErrTooManyTopics, Limit: 7}},
			"The limit of 7 topics (--max-topics) is reached", "--max-topics",
		},
		{
			&broker.TopicError{Topic: "t", Err: &broker.LimitError{Err: broker.ErrTooManyPartitions, Limit: 7}},
			"The limit of 7 partitions of all topics (--max-partitions-total) is reached", "--max-partitions-total",
		},
		{
			&broker.GroupError{Group: "g", Err: &broker.LimitError{Err: broker.ErrTooManyGroups, Limit: 7}},
			"The limit of 7 groups (--max-groups) is reached", "--max-groups",
		},
		{
			&broker.GroupError{Group: "g", Err: &broker.LimitError{Err: broker.ErrTooManyCommits, Limit: 7}},
			"The limit of 7 commits of all groups (--max-commits) is reached; long names and metadata count as several, " +
				"and memory storage takes one for each 4 KiB of --memory-bytes", "--max-commits",
		},
	} {
		e, known := Explain(fmt.Errorf("a layer: %w", test.err))
		if !known || e.Kind != Conflict || e.Message != test.message || e.Details["limit"] != int64(7) ||
			e.Details["flag"] != test.flag {
			t.Errorf("%v: %+v", test.err, e)
		}
	}
}

func TestUnknownErrorsStayInTheLog(t *testing.T) {
	e, known := Explain(errors.New("open /var/lib/secret: permission denied"))
	if known || e.Kind.Status != 500 || e.Kind.Code != "internal_error" || e.Message != "Internal error" {
		t.Error(e, known)
	}
}
