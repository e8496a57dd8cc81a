package drive

import "time"

// Clock counts nanoseconds of this process: one reading that every time in a run is a difference of.
func Clock() int64 { return int64(time.Since(epoch)) }

var epoch = time.Now()
