// Package near finds what somebody meant who typed a name that is not known.
package near

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// meant are names that people bring along from other systems.
var meant = map[string][]string{
	"limit": {"max_records"}, "count": {"max_records"}, "n": {"max_records"},
	"offset": {"from_offset"}, "start": {"from_offset"}, "since": {"from_time"}, "from": {"from_offset", "from_time"},
	"until": {"to_time"}, "end": {"to_time"}, "timeout": {"timeout_ms"}, "wait": {"timeout_ms"},
	"consumer": {"group"}, "group_id": {"group"}, "session_timeout_ms": {"session_ms"},
	"partition_count": {"partitions"}, "num_partitions": {"partitions"}, "retention": {"retention_ms"},
	"payload": {"value"}, "data": {"value"}, "ts": {"timestamp"}, "time": {"timestamp", "at"},
	"fsync": {"sync"}, "messages": {"records"},
}

// Name gives the one known name that was probably meant, "" where none is near or several are.
func Name(typed string, known []string) string {
	typed = strings.ToLower(typed)
	for _, name := range meant[typed] {
		for _, k := range known {
			if k == name {
				return k
			}
		}
	}
	best, least, twice := "", mostTypos(typed)+1, false
	for _, k := range known {
		switch d := levenshtein.ComputeDistance(typed, k); {
		case d < least:
			best, least, twice = k, d, false
		case d == least:
			twice = true
		}
	}
	if twice {
		return ""
	}
	return best
}

// Hint is a sentence's end that asks for it, "" where nothing is near.
func Hint(typed string, known []string) string {
	if name := Name(typed, known); name != "" {
		return "; did you mean '" + name + "'?"
	}
	return ""
}

// mostTypos is how many letters may be wrong: short names are near to everything.
func mostTypos(name string) int {
	switch {
	case len(name) <= 3:
		return 1
	case len(name) <= 40:
		return 2
	}
	return -1 // long ones are nobody's typo, and comparing them costs
}
