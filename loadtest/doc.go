// Package loadtest owns the runs of the load generator. It speaks HTTP as any client does and knows nothing of the
// broker's code. Speed is judged as a ratio within one run: FlashQ beside a bare HTTP server ("noop") that reads the
// same bodies and answers a fixed JSON, in alternating rounds, so that the drift of a machine cancels out.
//
//	what is asked for:  config.go, validate.go
//	what is sent:       body.go, payload.go, requests.go, consume.go, e2e.go (stamp.go marks records, verify.go judges)
//	the run:            run.go, sides.go, server.go, child.go, pin.go, noop.go, growth.go, api.go, tune.go
//	what is told:       newreport.go, live.go (while it runs)
//
// Package drive makes the load and counts what comes back; package report turns that into figures, tables and plots.
package loadtest
