// Package actor owns concurrency: the goroutine that owns a partition with its mailbox, its byte-budget gather, its
// syncer, its watchers and its end; and the registry of topics, which is a broker.Broker. Its rules:
//
//  1. Reply channels have capacity 1: the owner never waits for a caller who left.
//  2. Every send to, and wait on, the owner also selects done. Close is once, stop, wait for done.
//  3. After done, a caller looks once more at its reply: it may have come just before the loop left.
//  4. Reads take a context; an accepted append does not. Its outcome is always known, so its bytes are lent.
//  5. The deadline of a wait belongs to the caller; the owner only pokes. The gone are swept.
//  6. A poke is a non-blocking send from the owner itself on a channel of capacity 1.
//  7. Actors never call actors.
//  8. A failed sync, or a failed write but for want of room, is sticky: appends fail until the broker starts again,
//     reads go on. State changes only after the write succeeded.
//  9. A panic in an owner takes down that partition with an error that names it, not the broker, and loses no answer.
package actor
