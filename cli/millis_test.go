package cli

import (
	"strings"
	"testing"
	"time"
)

func TestAgesAreReadAsTimes(t *testing.T) {
	const hour = int64(time.Hour / time.Millisecond)
	for text, want := range map[string]int64{
		"-1": -1, "0": 0, "604800000": 7 * 24 * hour, "7d": 7 * 24 * hour, "90m": hour + hour/2, "1h": hour, "1h30m": hour + hour/2,
		"250ms": 250, "1.5h": hour + hour/2, "9223372036854775807": 1<<63 - 1,
	} {
		var a ages
		if err := a.Set(text); err != nil || *a.given != want {
			t.Errorf("%q: %s, %v", text, a.String(), err)
		}
	}
	for _, text := range []string{
		"", "64KiB", "1GB", "7B", "-2", "-1h", "-7d", "d", "1.5d", "7d1h", "1us", "many", "106751991168d", "9223372036854775808",
	} {
		var a ages
		err := a.Set(text)
		if err == nil || !strings.Contains(err.Error(), "allowed: a time such as 7d, 90m or 1h") || a.given != nil {
			t.Errorf("%q: %s, %v", text, a.String(), err)
		}
	}
}
