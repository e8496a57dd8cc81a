package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const whenForms = "RFC 3339, a date, 2026-01-15T10:00 in UTC, epoch milliseconds, or a time ago such as -15m or 7d"

// layouts are how a time may be written; without a zone it is in UTC, as the API has a date alone.
var layouts = []string{
	time.RFC3339, time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime,
	"2006-01-02T15:04Z07:00",
}

// mostSeconds is the largest number that looks like seconds since 1970: as milliseconds it is in 1973.
const mostSeconds = 100_000_000_000

var errWhen = errors.New("allowed: " + whenForms)

// parseWhen reads a time on the command line. It is in whole milliseconds, from 1970 on.
func parseWhen(text string, now time.Time) (time.Time, error) {
	at, err := readWhen(text, now)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%q: %w", text, err)
	case at.UnixMilli() < 0:
		return time.Time{}, fmt.Errorf("%q is before 1970; %w", text, errWhen)
	}
	return at.Truncate(time.Millisecond), nil
}

func readWhen(text string, now time.Time) (time.Time, error) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if strings.Trim(text, "0123456789") == "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || ms > maxMilliseconds:
			return time.Time{}, errWhen
		case ms > 0 && ms <= mostSeconds:
			return time.Time{}, fmt.Errorf("looks like seconds; in milliseconds: %d000", ms)
		}
		return time.UnixMilli(ms), nil
	}
	ago, ok := parseAgo(strings.TrimPrefix(text, "-"))
	if !ok {
		return time.Time{}, errWhen
	}
	return now.Add(-ago), nil
}

// maxMilliseconds is the end of the year 9999, the last that RFC 3339 can write.
const maxMilliseconds = 253_402_300_799_999

// parseAgo reads a duration that may begin with days: 7d, 1d12h, 90m.
func parseAgo(text string) (time.Duration, bool) {
	const day, mostDays = 24 * time.Hour, 100_000
	days, rest, named := strings.Cut(text, "d")
	if !named {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > mostDays {
		return 0, false
	}
	ago := time.Duration(n) * day
	if rest == "" {
		return ago, named
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || strings.HasPrefix(rest, "+") || more > mostDays*day-ago {
		return 0, false
	}
	return ago + more, true
}
