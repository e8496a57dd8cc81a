// Package broker is the leaf that everybody may import: the narrow interface between the wire and a storage engine, in
// RecordBatch bytes, requests, snapshots, positions and sentinels. It holds no code that runs, so that the actors and a
// Kafka cluster can implement it alike, and any listener can use it.
package broker
