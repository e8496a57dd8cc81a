// Command peers measures FlashQ beside real brokers on this machine, and judges nothing: it prints a table. Each server
// starts as a child on loopback with a temporary data folder, alone, is loaded by the client that suits it best, and is
// ended before the next one starts; that makes one round. Ratios are of two servers in the same round.
//
// `make bench-peers` installs all it needs and runs it. It is a module of its own, so that the brokers and their
// clients stay out of FlashQ's dependencies. A server's file (kafka.go, nats.go, ...) has its settings and those of its
// client; load.go is the loop for clients that are Go libraries, rounds.go the order of things, table.go what is
// printed.
package main
