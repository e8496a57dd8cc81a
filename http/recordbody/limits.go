package recordbody

import (
	"fmt"
	"math"

	"flashq/segment/batch"
)

// problem is an Error about a record that has no more to tell than its message.
func problem(code string, index int, field, message string) *Error {
	return &Error{
		Code: code, Message: message, Index: index, Field: field, MaxSize: -1, ActualSize: -1, Partition: -1,
	}
}

// within refuses what is larger than a limit; unit is "bytes" or what is counted.
func within(field, what, unit string, size, limit int) *Error {
	if limit == 0 || size <= limit {
		return nil
	}
	err := problem(CodeRange, 0, field, fmt.Sprintf("%s has %d %s, at most %d are allowed", what, size, unit, limit))
	err.MaxSize, err.ActualSize = limit, size
	return err
}

// orEndless makes no limit a number that is never reached.
func (l Limits) orEndless() Limits {
	for _, limit := range [...]*int{&l.KeyBytes, &l.ValueBytes, &l.HeaderBytes, &l.Headers} {
		if *limit == 0 {
			*limit = math.MaxInt
		}
	}
	return l
}

// record holds a record's key, value and number of headers against the limits.
func (l *Limits) record(key, value []byte, headers int) *Error {
	err := within("key", "the key", "bytes", len(key), l.KeyBytes)
	if err == nil {
		err = within("value", "the value", "bytes", len(value), l.ValueBytes)
	}
	if err == nil {
		err = within("headers", "the record", "headers", headers, l.Headers)
	}
	return err
}

func (l *Limits) header(h batch.Header) *Error {
	err := within("headers", "a header's name", "bytes", len(h.Key), l.KeyBytes)
	if err == nil {
		err = within("headers", "a header's value", "bytes", len(h.Value), l.HeaderBytes)
	}
	return err
}

// checkTime refuses a timestamp that no record may have.
func checkTime(timestamp, now int64) *Error {
	switch {
	case timestamp < 0:
		return problem(CodeRange, 0, "timestamp", "the timestamp is before 1970")
	case timestamp > now+MaxAhead:
		return problem(CodeRange, 0, "timestamp", "the timestamp is more than an hour in the future")
	}
	return nil
}

// place finds where a record goes that names no partition of its own.
func (t *Target) place(key []byte) (partition int, err *Error) {
	switch {
	case t.Partition >= t.Partitions:
		err = problem(CodeNoPartition, -1, "partition",
			fmt.Sprintf("partition %d does not exist, the topic has %d", t.Partition, t.Partitions))
		err.Partition = t.Partition
		return 0, err
	case t.Partition >= 0:
		return t.Partition, nil
	case key != nil:
		return batch.Partition(key, t.Partitions), nil
	}
	return t.Sticky, nil
}
