// Package partition owns meaning: offsets, the high watermark, the leader epoch, retention and the time lookup of one
// partition. It is a plain struct without goroutine, lock, channel or clock (now is an argument), so that the hard
// logic is tested without concurrency; package actor is the goroutine around it.
package partition
