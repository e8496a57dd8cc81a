package recordjson_test

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flashq/http/recordjson"
)

func TestParseTime(t *testing.T) {
	at := func(s string) int64 {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.UnixMilli()
	}
	for s, want := range map[string]int64{
		"2025-01-15T10:30:45Z":                now - 123,
		"2025-01-15T10:30:45.123Z":            now,
		"2025-01-15t10:30:45.123z":            now,
		"2025-01-15T10:30:45.1239999999999Z":  now,
		"2025-01-15T10:30:45.1Z":              now - 23,
		"2025-01-15T12:00:45.123+01:30":       now,
		"2025-01-15T12:00:45.123 01:30":       now,
		"2025-01-15T05:30:45.123-05:00":       now,
		"2024-02-29T23:59:59Z":                at("2024-02-29T23:59:59Z"),
		"2000-02-29T00:00:00Z":                at("2000-02-29T00:00:00Z"),
		"0000-01-01T00:00:00Z":                at("0000-01-01T00:00:00Z"),
		"9999-12-31T23:59:59.999Z":            at("9999-12-31T23:59:59.999Z"),
		"1969-12-31T23:59:59.9999Z":           -1,
		"0":                                   0,
		"1736937045123":                       now,
		"-1":                                  -1,
		"-15":                                 -15,
		"9223372036854775807":                 math.MaxInt64,
		"-9223372036854775808":                math.MinInt64,
		"-15m":                                now - 15*60_000,
		"-2h30m":                              now - 150*60_000,
		"-7d":                                 now - 7*86_400_000,
		"-500ms":                              now - 500,
		"-30s":                                now - 30_000,
		"-1d2h3m4s5ms":                        now - 86_400_000 - 2*3_600_000 - 3*60_000 - 4005,
		"-0s":                                 now,
		"-9223372036854775807ms":              now - math.MaxInt64,
		"2025-01-15T10:30:45.12300000000000Z": now,
	} {
		got, ok := recordjson.ParseTime([]byte(s), now)
		if !ok || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, ok, want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, s := range []string{
		"", "-", "now", "15m", "+15m", "-15x", "-m", "-15m3", "-1.5h", "- 15m", "-15 m", "-15M", "--15m", "-15m-3s",
		"-9223372036854775808ms", "-106751991168d", "-99999999999999999999s", "-9223372036854775807ms1ms",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e3", "1.5",
		"0x10", "1_000", " 1", "1 ", "+1",
		"2025-01-15T10:30Z", "2025-01-15T10:30:45", "2025-01-15 10:30:45Z", "2025-1-15T10:30:45Z00",
		"2025-01-15T10:30:45.Z", "2025-01-15T10:30:45,123Z", "2025-01-15T10:30:45+0100",
		"2025-01-15T10:30:45+01", "2025-01-15T10:30:45+1:00",
		"2025-01-15T10:30:45+24:00", "2025-01-15T10:30:45+01:60", "2025-01-15T10:30:45*01:00", "2025-01-15T10:30:45ZZ",
		"2025-00-15T10:30:45Z", "2025-13-15T10:30:45Z", "2025-01-00T10:30:45Z", "2025-01-32T10:30:45Z",
		"2025-04-31T10:30:45Z",
		"2025-02-29T10:30:45Z", "1900-02-29T10:30:45Z", "2025-01-15T24:30:45Z", "2025-01-15T10:60:45Z",
		"2025-01-15T10:30:60Z",
		"2O25-01-15T10:30:45Z", "20:5-01-15T10:30:45Z", "2025-01-15T1/:30:45Z", "2025/01/15T10:30:45Z",
		"2025-01-15X10:30:45Z",
		"2025-01-15T10-30:45Z", "2025-01-15T10:30-45Z", "-2025-01-15T10:30:45Z", "12025-01-15T10:30:45Z",
	} {
		if got, ok := recordjson.ParseTime([]byte(s), now); ok {
			t.Errorf("%q was taken as %d", s, got)
		}
	}
	if got, ok := recordjson.ParseTime([]byte("-2ms"), math.MinInt64+1); ok {
		t.Errorf("before all time: %d", got)
	}
}

// TestAppendTime compares with package time, over all of time and around every first of a month.
func TestAppendTime(t *testing.T) {
	check := func(ms int64) {
		t.Helper()
		got := string(recordjson.AppendTime([]byte("at "), ms))
		want := "at " + time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		if got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
	for year := -1; year <= 10_000; year++ {
		for month := range time.Month(12) {
			first := time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
			check(first)
			check(first - 1)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1e14, 3e14)).Draw(t, "ms"))
	})
}

// TestTimeRoundTrip: what is printed is read back as the same.
func TestTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-62167219200000, 253402300799999).Draw(t, "ms")
		if got, ok := recordjson.ParseTime(recordjson.AppendTime(nil, ms), now); !ok || got != ms {
			t.Fatalf("%d became %d, %v", ms, got, ok)
		}
	})
}

// FuzzTime: RFC 3339 means what package time makes of it, and nothing else of that kind is taken.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2025-01-15T10:30:45Z", "2025-01-15T10:30:45.123456+01:00", "2025-01-15t10:30:45.1z", "2024-02-29T23:59:59-23:59",
		"2025-01-15T10:30:45 01:00", "2025-01-15T10:30:60Z", "2025-01-15T10:30:45,1Z", "0000-01-01T00:00:00Z",
		"-2h30m", "1736937045123",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := recordjson.ParseTime([]byte(s), now)
		if ok {
			if printed := recordjson.AppendTime(nil, got); len(printed) < 24 {
				t.Fatalf("%q is %d, printed %s", s, got, printed)
			}
		}
		if len(s) < 20 || s[4] != '-' {
			return // not of the kind
		}
		want, wanted := strictTime(s)
		if ok != wanted || ok && got != want {
			t.Fatalf("%q: %d, %v, want %d, %v", s, got, ok, want, wanted)
		}
	})
}

// shape is RFC 3339 with a blank allowed for the plus. Package time judges the fields, but takes other shapes as well.
var shape = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+ ]([01]\d|2[0-3]):[0-5]\d)$`)

func strictTime(s string) (ms int64, ok bool) {
	if !shape.MatchString(s) {
		return 0, false
	}
	if sign := len(s) - 6; s[sign] == ' ' {
		s = s[:sign] + "+" + s[sign+1:]
	}
	parsed, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	return parsed.UnixMilli(), err == nil
}
