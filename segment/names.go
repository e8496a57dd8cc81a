package segment

import (
	"fmt"
	"strconv"
	"strings"
)

// Suffixes of a segment's files; the names are Kafka's.
const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	brokenSuffix    = ".broken"
	checkpointName  = "segments.checkpoint"
)

// fileName is the base offset in 20 digits with a suffix.
func fileName(base int64, suffix string) string { return fmt.Sprintf("%020d%s", base, suffix) }

// baseOf reads a base offset back from the name of a .log file.
func baseOf(name string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, logSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	base, err := strconv.ParseInt(digits, 10, 64)
	return base, err == nil && base >= 0
}
