package near

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	fetch := []string{"from_offset", "from_time", "position", "to_time", "partition", "max_records", "max_bytes", "timeout_ms", "group"}
	for typed, want := range map[string]string{
		"max_record": "max_records", "MAX_RECORDS": "max_records", "limit": "max_records", "offset": "from_offset",
		"partitions": "partition", "partiton": "partition", "since": "from_time", "tieout_ms": "timeout_ms",
		"": "", "xyz": "", "m": "", "max_recordsmax_records": "", strings.Repeat("max_records", 1000): "",
	} {
		if got := Name(typed, fetch); got != want {
			t.Errorf("%.40q: %q, want %q", typed, got, want)
		}
	}
	if got := Name("ab", []string{"aa", "bb"}); got != "" {
		t.Errorf("%q of two that are as near", got)
	}
	if got := Hint("partition", []string{"partitions"}); got != "; did you mean 'partitions'?" {
		t.Error(got)
	}
}
