package report

import "fmt"

// Workloads are what Run measures.
const (
	Produce  = "produce"
	Consume  = "consume"
	EndToEnd = "e2e"
	Noop     = "noop"

	Subscribe = "subscribe"
)

// Load says what a request carries, and how answers come.
type Load struct {
	Format     string `json:"format"`            // of the body, of consume: of the answers, one of Formats
	Value      string `json:"value"`             // what values look like, one of Values; json needs escapes
	Size       int    `json:"size"`              // bytes of each value, 100; with Payload: on average
	Batch      int    `json:"batch"`             // records a request, 1
	Keys       int    `json:"keys"`              // distinct keys; zero is no key
	Partitions int    `json:"partitions"`        // of the topic, 1
	Seed       uint64 `json:"seed"`              // of the values, 1
	Payload    string `json:"payload,omitempty"` // a file whose lines are the values

	PerBatch    int    `json:"per_batch,omitempty"`   // records in each RecordBatch of a body; zero: all in one
	Compression string `json:"compression,omitempty"` // of RecordBatches, one of Compressions; "" is none
	Encoding    string `json:"encoding,omitempty"`    // of values in answers, one of Encodings; "" is the server's default
	Decode      bool   `json:"decode,omitempty"`      // answers are taken apart, record by record
	Answers     string `json:"answers,omitempty"`     // of e2e and subscribe: how records are read back
	Idempotent  bool   `json:"idempotent,omitempty"`  // each request has an Idempotency-Key
}

// form says in which form records are sent, or come.
func (l Load) form() string {
	form := l.Format
	if l.PerBatch > 0 {
		form += fmt.Sprintf(" of %d records", l.PerBatch)
	}
	for _, more := range []struct {
		is   bool
		text string
	}{
		{l.Compression != "", ", " + l.Compression},
		{l.Encoding != "", ", values as " + l.Encoding},
		{l.Decode, ", decoded"},
		{l.Answers != "", ", read as " + l.Answers},
		{l.Idempotent, ", with keys"},
	} {
		if more.is {
			form += more.text
		}
	}
	return form
}

// Growth is what FlashQ has to do beside the load. Where any is asked for, the other side of the ratio is a FlashQ
// without it.
type Growth struct {
	IdleTopics int `json:"idle_topics,omitempty"` // topics that nobody uses
	Parked     int `json:"parked,omitempty"`      // long polls that wait
}

// Some tells whether any is asked for.
func (g Growth) Some() bool { return g != Growth{} }

// Formats and the others list what the fields of the same names may say, the default first.
var (
	Formats  = []string{"json", "ndjson", "raw", "batch"}
	Values   = []string{"letters", "json"}
	Storages = []string{"memory", "file"}
	Syncs    = []string{"interval", "always", "never"}

	Compressions = []string{"none", "gzip", "snappy", "lz4", "zstd"}
	Encodings    = []string{"text", "base64", "json"}
	// StreamFormats are how records come on streams: as server-sent events, or a line each.
	StreamFormats = []string{"events", "ndjson"}
)

// Empty is the other side of the ratio where FlashQ is measured with something that it has to do beside the load.
const Empty = "empty"
