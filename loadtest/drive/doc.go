// Package drive owns connections to one HTTP server: what a Source asks is sent, what comes back is counted.
//
// The generator shares the machine with the server that it judges, so it is kept cheap: on Linux one thread a processor
// drives its connections through epoll, with prebuilt bytes, one write and one read a request and no allocation. Its
// own cost stands in each Sample. Where there is no epoll, a goroutine for each connection does the same, at a higher
// price.
//
//	what both do:     drive.go, source.go (what is asked), phase.go (until when, and the schedule of an open loop),
//	                  judge.go (what becomes of a request), request.go, response.go
//	with epoll:       engine_linux.go, loop_linux.go (a thread), wire_linux.go (a connection), poll_linux.go
//	without:          portable.go, worker.go (a connection), link.go (who reads from it)
//	streams:          streams.go (what both do), streams_linux.go (a thread for all), streams_portable.go
//	what is counted:  tally.go, sampler.go (each second), sample.go (of one phase), process_linux.go and its siblings
package drive
