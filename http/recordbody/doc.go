// Package recordbody owns what bodies of records have in common, whatever their format: where records go, how they are
// judged, and what comes out, a batch for each partition. Two formats are its own: one record as it is (Raw), and
// Kafka's batches (Batches); JSON is package recordjson's.
package recordbody
