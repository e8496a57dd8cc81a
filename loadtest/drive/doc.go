// Package drive owns connections to one HTTP server: what a Source asks is sent, what comes back is counted.
//
// The generator shares the machine with the server that it judges, so it is kept cheap: one thread a processor drives
// its connections through epoll, with prebuilt bytes, one write and one read a request and no allocation. Its own cost
// stands in each Sample.
//
//	how:              drive.go (connections to one server), loop.go (a thread of them), wire.go (one of them),
//	                  poll.go (system calls), response.go, phase.go (until when, and the schedule of an open loop)
//	what is counted:  tally.go, sampler.go (each second), sample.go (of one phase)
package drive
