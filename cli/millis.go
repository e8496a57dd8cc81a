package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	agesType  = "age"
	agesForms = "a time such as 7d, 90m or 1h, milliseconds such as 604800000, or -1"
)

// ages is a flag that holds an age in milliseconds, written with a unit of time or without one, or -1 for unlimited.
type ages struct{ given *int64 }

// String implements pflag.Value.
func (a *ages) String() string {
	if a.given == nil {
		return ""
	}
	return strconv.FormatInt(*a.given, 10)
}

// Type implements pflag.Value.
func (*ages) Type() string { return agesType }

// Set implements pflag.Value.
func (a *ages) Set(text string) error {
	ms, ok := parseAge(text)
	if !ok {
		return fmt.Errorf("%q; allowed: %s", text, agesForms)
	}
	a.given = &ms
	return nil
}

// parseAge reads days, which Go's own durations lack, as a number of their own.
func parseAge(text string) (ms int64, ok bool) {
	if text == "-1" {
		return -1, true
	}
	if n, err := strconv.ParseUint(text, 10, 63); err == nil {
		return int64(n), true
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		const day = int64(24 * time.Hour / time.Millisecond)
		n, err := strconv.ParseUint(days, 10, 63)
		return int64(n) * day, err == nil && int64(n) <= math.MaxInt64/day
	}
	d, err := time.ParseDuration(text)
	return d.Milliseconds(), err == nil && d >= 0 && d%time.Millisecond == 0
}
