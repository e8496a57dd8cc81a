package main

// The keys of metrics. Those of measurements are also their names.
const (
	rowSmall      = "small"
	rowOne        = "one"
	rowBatched    = "batched"
	rowPaced      = "paced"
	rowOwn        = "paced by its own client"
	rowLarge      = "large"
	rowFetch      = "fetch"
	rowDecoded    = "fetch, by one decoding client"
	rowFetchWhole = "fetch, start of the client included"

	p50 = " p50"
	p99 = " p99"

	startup = "start-up"
	idle    = "resident memory, idle"
	loaded  = "resident memory, loaded"
)

const (
	ours         = "FlashQ, files"
	oursInMemory = "FlashQ, memory"
	kafkaName    = "Kafka"
	redisName    = "Redis streams"
)

// metric is a row of the table.
type metric struct {
	key   string
	title string
	less  bool // less is better
	speed bool // a goal speaks of it: no row behind a peer on files
}

var metrics = []metric{
	{rowSmall, "1 x 100 B a request, 32 under way: records/s", false, true},
	{rowSmall + p99, "the same: p99, us", true, true},
	{rowOne, "1 x 100 B a request, one at a time: records/s", false, true},
	{rowOne + p50, "the same: p50, us", true, true},
	{rowOne + p99, "the same: p99, us", true, true},
	{rowPaced + p50, "1 x 100 B a request, 1,000/s by one loop for all: p50, us", true, true},
	{rowPaced + p99, "the same: p99, us", true, true},
	{rowOwn + p50, "1 x 100 B a request, 1,000/s by its own client (Kafka's: whole ms): p50, us", true, true},
	{rowOwn + p99, "the same: p99, us", true, true},
	{rowBatched, "100 B, batched: records/s", false, true},
	{rowLarge, "1000 B, batched: records/s", false, true},
	{rowFetch, "fetch of 1000 B: records/s", false, true},
	{rowFetchWhole, "the same from its client's first record, JVM not warm: records/s", false, true},
	{rowDecoded, "fetch of 1000 B as record batches, by franz-go for both: records/s", false, true},
	{startup, "start-up, ms", true, false},
	{idle, "resident memory idle, MiB", true, false},
	{loaded, "resident memory after the load, MiB", true, false},
}

// ofRow are the figures of a measurement that knows latencies.
func ofRow(row string, rate float64, l latency) figures {
	return figures{row: rate, row + p50: l.p50, row + p99: l.p99}
}
