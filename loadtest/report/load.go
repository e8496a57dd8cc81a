package report

// Workloads are what Run measures.
const (
	Produce  = "produce"
	Consume  = "consume"
	EndToEnd = "e2e"
	Noop     = "noop"
)

// Load says what a request carries.
type Load struct {
	Format     string `json:"format"`            // of the body, one of Formats
	Value      string `json:"value"`             // what values look like, one of Values; json needs escapes
	Size       int    `json:"size"`              // bytes of each value, 100; with Payload: on average
	Batch      int    `json:"batch"`             // records a request, 1
	Keys       int    `json:"keys"`              // distinct keys; zero is no key
	Partitions int    `json:"partitions"`        // of the topic, 1
	Seed       uint64 `json:"seed"`              // of the values, 1
	Payload    string `json:"payload,omitempty"` // a file whose lines are the values
}

// Growth is what FlashQ has to do beside the load. Where any is asked for, the other side of the ratio is a FlashQ
// without it.
type Growth struct {
	IdleTopics int `json:"idle_topics,omitempty"` // topics that nobody uses
	Parked     int `json:"parked,omitempty"`      // long polls that wait
}

// Some tells whether any is asked for.
func (g Growth) Some() bool { return g != Growth{} }

// Formats, values, storages and syncs list what the fields of the same names may say, the default first.
var (
	Formats  = []string{"json", "ndjson"}
	Values   = []string{"letters", "json"}
	Storages = []string{"memory", "file"}
	Syncs    = []string{"interval", "always", "never"}
)

// Empty is the other side of the ratio where FlashQ is measured with something that it has to do beside the load.
const Empty = "empty"
