// Package group owns the meaning of consumer groups: what a group committed, where it starts without a commit, and how
// both are said in Kafka's own words in a log of offsets. A Shard is a plain struct without goroutine, lock or clock
// (now is an argument). Every change is asked for first, as the batch that says it; Replay of that batch, once it is
// written, makes it so. So the state is always what the log says, at start-up as at any other time.
package group
