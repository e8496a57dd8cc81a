package recordjson

import "flashq/segment/batch"

// Limits bound one request; zero is no limit.
type Limits struct {
	KeyBytes    int // also of a header's name
	ValueBytes  int
	HeaderBytes int // of a header's value
	Headers     int // per record
	Records     int // per JSON request; NDJSON is bounded by its size alone
}

// Target says where the records of one request go and how they are judged.
type Target struct {
	Partitions int   // of the topic, at least 1
	Partition  int   // for records that name none, -1: place by key
	Sticky     int   // for records with neither partition nor key
	Now        int64 // the broker's clock, milliseconds: default timestamp and bound of the future
	Limits     Limits
	Placements bool // fill Request.Placements
	// Lenient lets members that are not known mean nothing, instead of refusing them: for clients of FlashQ in Rust.
	Lenient bool
}

// Request is one decoded request: a batch for each partition that it touches. It is made by Decoder.JSON or
// Decoder.NDJSON, and valid until the Decoder's next call or Release.
type Request struct {
	Parts []Part // in order of first use, every partition at most once
	Count int    // records in all
	// LastPart is the index in Parts of the request's last record.
	LastPart int
	// Placements has the index in Parts of each record, in request order, when asked for.
	Placements []int32
}

// Part is what goes into one partition.
type Part struct {
	Partition int
	// BrokerTime is set when no record of this part came with a timestamp of its own.
	BrokerTime bool
	// LastTimestamp is the timestamp of the part's last record in milliseconds.
	LastTimestamp int64
	// Batch is finished, base offset 0, in a slab of its own (package slab).
	Batch batch.Batch
}

// Error is what is wrong with a body: one clear error, of the first bad record.
type Error struct {
	// Code is the error value on the wire: invalid_json, validation_error, record_validation_error or partition_not_found.
	Code    string
	Message string
	Index   int    // of the record, -1 when the body as a whole is meant
	Field   string // "" when none
	// MaxSize and ActualSize are set (>= 0) for limits, else -1.
	MaxSize, ActualSize int
	Partition           int // for partition_not_found, else -1
}

func (e *Error) Error() string { return e.Message }
