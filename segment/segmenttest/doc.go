// Package segmenttest is the storage seam for tests of faults: an FS in memory that can fail or tear the next
// operation, and that can be cloned as a disk would look after a power cut.
package segmenttest
