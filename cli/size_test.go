package cli

import (
	"math"
	"strings"
	"testing"
)

func TestSizesAreReadAndPrintedBack(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "65536": 65536, "64KiB": 65536, "64kib": 65536, "64 KiB": 65536,
		" 16MB ": 16_000_000, "16M": 16_000_000,
		"1.5GiB": 3 << 29, "0.5k": 500, "1GiB": 1 << 30, "5GiB": 5 << 30, "1025": 1025, "7B": 7,
		"9223372036854775807": math.MaxInt64, "9007199254740993": 1<<53 + 1,
	} {
		var s, back Size
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
		if err := back.Set(s.String()); err != nil || back != s {
			t.Errorf("%q is printed as %q, which is read as %d, %v", text, s.String(), back, err)
		}
	}
	for size, want := range map[Size]string{0: "0", 131072: "128KiB", 4 << 30: "4GiB", 1 << 20: "1MiB", 1000: "1000"} {
		if got := size.String(); got != want {
			t.Errorf("%d is printed as %q", size, got)
		}
	}
}

func TestWrongSizesSayWhatIsAllowed(t *testing.T) {
	for _, text := range []string{
		"", " ", "-1", "-5MiB", "+5", "many", "64 apples", "MiB", "1,5GiB", "1,000", "1.5", "1.2.3KB", "1e3", "0x10", "NaN",
		"٣KiB", "9223372036854775808", "8EiB", "16EiB", "17.5EiB", "99999999999999999999999",
	} {
		s := Size(42)
		err := s.Set(text)
		if err == nil || !strings.Contains(err.Error(), "64KiB") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
		if s != 42 {
			t.Errorf("%q changed the size to %d", text, s)
		}
	}
}
