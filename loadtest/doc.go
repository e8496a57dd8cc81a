// Package loadtest owns the runs of the load generator. It speaks HTTP as any client does and knows nothing of the
// broker's code. Speed is judged as a ratio within one run: FlashQ beside a bare HTTP server ("noop") that reads the
// same bodies and answers a fixed JSON, in alternating rounds, so that the drift of a machine cancels out.
//
//	what is asked for:  config.go, validate.go, plan.go (with what follows from it)
//	the run:            run.go, sides.go (who is measured), turn.go (a round of one of them), consume.go, e2e.go, tune.go
//	what is sent:       body.go, payload.go, requests.go, stamped.go (stamp.go marks records, verify.go judges them)
//	the servers:        server.go, child.go, pin_linux.go, noop.go, growth.go, api.go
//	what is told:       newreport.go, live.go (while it runs)
//
// Package drive makes the load and counts what comes back; package report turns that into figures, tables and plots.
package loadtest
