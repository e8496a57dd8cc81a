// Package faults owns the fault tests of the built binary that need root: a kill at every system call, a power cut on a
// real file system, system calls that fail, disks that are full or read-only. FLASHQ_FAULTS=1 runs them; `make faults`
// sets it, and FLASHQ_POINTS and FLASHQ_CUTS, which say how much.
package faults
