// Package http owns the wire: routes, formats, limits, guards and the one table from errors to statuses, in front of
// any broker.Broker. Beside the load generator it is the only importer of fasthttp, and it stores nothing.
//
// A request runs in its connection's goroutine from its first byte to its last: handle puts on what every answer
// carries and guards the door, the router picks the handler, and a handler returns an error instead of writing one.
// Bytes of a fasthttp.RequestCtx are reused as soon as the handler has returned, so what outlives it is copied.
//
//	produce: query.go, body.go (admission, reading), coding.go (decompression), produce.go, produced.go (the answer)
//	fetch:   fetchquery.go, fetch.go, collect.go (rounds over partitions), walk.go (the records of their
//	         batches), cursor.go, wait.go (long poll), fetched.go (the answer)
package http
