package http

import (
	"math"

	"flashq/http/recordjson"
	"flashq/http/schema"
)

// timestamp is milliseconds that encoding/json writes as the contract's RFC 3339, and noTime as null.
type timestamp int64

// noTime is the timestamp of what has none: below every time that a record can carry.
const noTime timestamp = math.MinInt64

// statTime takes a timestamp of broker.PartitionStats, where -1 is none.
func statTime(millis int64) timestamp {
	if millis == -1 {
		return noTime
	}
	return timestamp(millis)
}

// earlier gives the earlier of two times; none is neither.
func earlier(a, b timestamp) timestamp {
	if a == noTime || b == noTime {
		return max(a, b)
	}
	return min(a, b)
}

// MarshalJSON writes what recordjson writes for records.
func (t timestamp) MarshalJSON() ([]byte, error) {
	if t == noTime {
		return []byte("null"), nil
	}
	text := append(make([]byte, 0, 32), '"')
	text = recordjson.AppendTime(text, int64(t))
	return append(text, '"'), nil
}

// Schema implements schema.Describer.
func (timestamp) Schema() *schema.Schema {
	return &schema.Schema{Type: "string", Format: "date-time", Examples: []any{"2026-01-15T10:30:45.123Z"}}
}
