// Package loadtest owns the load generator and its report. It speaks HTTP as any client does and knows nothing of the
// broker's code. Speed is judged as a ratio within one run: FlashQ beside a bare HTTP server ("noop") that reads the
// same bodies and answers a fixed JSON, in alternating rounds, so that the drift of a machine cancels out.
//
// The generator shares the machine with the server that it judges, so it is kept cheap: one thread a processor drives
// its connections through epoll, with prebuilt bytes, one write and one read a request and no allocation. Its own cost
// stands in the report.
//
//	what is sent:     config.go, body.go, payload.go, request.go, source.go, consume.go, e2e.go (verify.go judges it)
//	how:              drive.go (connections to one server), loop.go (a thread of them), wire.go (one of them),
//	                  poll.go (system calls), response.go, phase.go (until when, and the schedule of an open loop)
//	what is counted:  tally.go, sampler.go (each second), live.go (while it runs)
//	the run:          run.go, sides.go, server.go, child.go, noop.go, growth.go, api.go
//	what is told:     report.go, figures.go, limit.go, table.go, bars.go, svg.go, html.go, compare.go, tune.go
package loadtest
