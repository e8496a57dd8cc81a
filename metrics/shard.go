package metrics

import (
	"sync"
	"sync/atomic"
)

// What every request adds to stands in several shards, which are summed up when somebody looks: two processors that
// add to one counter wait for each other's cache line, which costs more than all the rest.

// shards is how many there are.
const shards = 4

// turns hands shards out: what is taken and put back at once stays with the processor, as a rule.
var turns = sync.Pool{New: func() any { return &turn{int(made.Add(1)) % shards} }}

type turn struct{ shard int }

var made atomic.Int64
