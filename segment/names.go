package segment

import (
	"errors"
	"fmt"
	"math"
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

// MaxOffset bounds where a segment may begin: what one segment holds can be counted from there.
const MaxOffset = math.MaxInt64 - math.MaxInt32 - 1

// baseOf reads a base offset back from the name of one of a segment's files. An error tells of one that is no offset.
func baseOf(name string) (base int64, suffix string, err error) {
	if len(name) < 20 {
		return 0, "", nil
	}
	switch suffix = name[20:]; suffix {
	case logSuffix, indexSuffix, timeIndexSuffix, notesSuffix:
	default:
		return 0, "", nil
	}
	for _, c := range name[:20] {
		if c < '0' || c > '9' {
			return 0, "", nil
		}
	}
	base, err = strconv.ParseInt(name[:20], 10, 64)
	if err != nil || base > MaxOffset {
		return 0, suffix, fmt.Errorf("file %s: its name is no offset up to %d", name, int64(MaxOffset))
	}
	return base, suffix, nil
}

// unusedName gives the name, or one like it that no file has yet.
func unusedName(fs FS, name string) (string, error) {
	for n, free := 2, name; ; n++ {
		_, err := fs.Stat(free)
		if errors.Is(err, ErrNotExist) {
			return free, nil
		}
		if err != nil {
			return "", err
		}
		free = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, brokenSuffix), n, brokenSuffix)
	}
}
