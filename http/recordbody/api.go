package recordbody

import "flashq/segment/batch"

// MaxAhead is how far in the future a timestamp may lie, in milliseconds: an hour.
const MaxAhead = 3_600_000

// Limits bound one request; zero is no limit.
type Limits struct {
	KeyBytes    int // also of a header's name
	ValueBytes  int
	HeaderBytes int // of a header's value
	Headers     int // per record
	Records     int // per JSON request; other formats are bounded by their size alone
}

// Target says where the records of one request go and how they are judged.
type Target struct {
	Partitions int   // of the topic, at least 1
	Partition  int   // for records that name none, -1: place by key
	Sticky     int   // for records with neither partition nor key
	Now        int64 // the broker's clock, milliseconds: default timestamp and bound of the future
	Limits     Limits
	Placements bool // fill Request.Placements, where a format may spread records over partitions
	// Lenient lets members that are not known mean nothing, instead of refusing them: for clients of FlashQ in Rust.
	Lenient bool
	// Digest, where it is not nil, gets the records of a body that is good. It needs Placements.
	Digest *Digest
}

// Request is one decoded request: a batch for each partition that it touches. It is valid until the next call or
// Release of what decoded it.
type Request struct {
	Parts []Part // in order of first use, every partition at most once
	Count int    // records in all
	// LastPart is the index in Parts of the request's last record.
	LastPart int
	// Placements has where each record went, in request order, when asked for.
	Placements []Placement
}

// Part is what goes into one partition.
type Part struct {
	Partition int
	// BrokerTime is set when no record of this part came with a timestamp of its own.
	BrokerTime bool
	// LastTimestamp is the timestamp of the part's last record in milliseconds.
	LastTimestamp int64
	LastClock     Clock // where that is from
	// Batch is finished, base offset 0, with the capacity of the slab (package slab) that holds it.
	Batch batch.Batch
	// Rest are the batches after the first, of a body that came as batches.
	Rest []batch.Batch
}

// Placement is where one record went, and what of it the request said.
type Placement struct {
	Part  int32 // index in Request.Parts
	Named bool  // the partition
	Time  Clock // the timestamp
}

// Clock is where a record's timestamp is from.
type Clock uint8

// The clocks.
const (
	BrokerClock Clock = iota // the request says none
	ClientClock
	Ago // the request says how long before now
)

// ClockOf tells that of a time that a request says, by its text.
func ClockOf(text []byte) Clock {
	if len(text) > 0 && text[0] == '-' {
		return Ago
	}
	return ClientClock
}

// Error is what is wrong with a body: one clear error, of the first bad record.
type Error struct {
	// Code is the error value on the wire: one of the constants below.
	Code    string
	Message string
	// Index is that of the record, or in CodeCorrupt and CodeUnsupported of the batch; -1 when the body as a whole is
	// meant.
	Index int
	Field string // "" when none
	// MaxSize and ActualSize are set (>= 0) for limits, else -1.
	MaxSize, ActualSize int
	Partition           int // for CodeNoPartition, else -1
}

func (e *Error) Error() string { return e.Message }

// The codes are those of docs/api.md.
const (
	CodeSyntax      = "invalid_json"
	CodeRange       = "validation_error"
	CodeRecord      = "record_validation_error"
	CodeNoPartition = "partition_not_found"
	CodeCorrupt     = "corrupt_batch"
	CodeUnsupported = "not_supported"
)
