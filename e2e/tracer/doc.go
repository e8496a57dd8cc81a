// Package tracer owns a process that runs FlashQ and strikes at one of its system calls: it kills the broker there, or
// makes the call fail. It counts the calls of all threads together, which `strace -e inject` does not: that counts each
// thread's for itself, and Go's goroutines wander over threads.
//
// The test's own binary is that process: its TestMain hands over to Main.
package tracer
