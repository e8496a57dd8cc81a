// Package http is the door to FlashQ that speaks HTTP: it serves any broker.Broker. Beside the load generator it is the
// only importer of fasthttp, and it stores nothing.
//
// routes.go has the whole surface, a row for each route. A request runs in its connection's goroutine from its first
// byte to its last: handle reads its head and puts on what every answer carries, the router finds the row, serve judges
// what holds for all routes, and the row's handler returns what is to be answered, or an error, instead of writing it.
// What belongs together has a package below: fault (every error), request (what is asked), fetch (reading records),
// recordjson (records as JSON, both ways), conn (connections), near (what a typo meant).
//
// Bytes of a fasthttp.RequestCtx are reused as soon as the handler has returned, so what outlives it is copied.
package http
