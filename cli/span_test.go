package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"flashq/client"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-15T10:00:01.5+02:00": "2026-01-15T08:00:01.5Z",
		"2026-01-15":                  "2026-01-15T00:00:00Z",
		"2026-01-15T10:00":            "2026-01-15T10:00:00Z",
		"2026-01-15 10:00:07":         "2026-01-15T10:00:07Z",
		"1736937045000":               "2025-01-15T10:30:45Z",
		"-15m":                        "2026-01-15T11:45:00Z",
		"7d":                          "2026-01-08T12:00:00Z",
		"-1d12h":                      "2026-01-14T00:00:00Z",
	} {
		if got, err := parseWhen(text, noon); err != nil || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v, %v; not %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "allowed: RFC 3339", "noon": "allowed: RFC 3339", "-": "allowed: RFC 3339", "--5m": "allowed: RFC 3339",
		"-15": "allowed: RFC 3339", "1GiB": "allowed: RFC 3339", "-+5m": "allowed: RFC 3339", "99999999999999999999": "allowed: RFC 3339",
		"1736937045": "looks like seconds; in milliseconds: 1736937045000", "1969-12-31": "is before 1970", "99999d": "is before 1970",
		"2026-02-30": "allowed: RFC 3339", "d": "allowed: RFC 3339", "100001d": "allowed: RFC 3339",
	} {
		if got, err := parseWhen(text, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v, %v; not %s", text, got, err, want)
		}
	}
}

// A partition that keeps the offsets 50 to 99.
var kept = client.TopicPartition{Earliest: 50, HighWaterMark: 100}

func TestRangesOfOffsets(t *testing.T) {
	for text, want := range map[string][2]int64{
		"earliest": {50, 100}, "latest": {100, 100}, "70": {70, 100}, "-10": {90, 100}, "-80": {50, 100}, "10": {10, 100},
		"60..70": {60, 70}, "60..": {60, 100}, "..70": {50, 70}, "..-10": {50, 90}, "-20..-10": {80, 90}, "60..200": {60, 100},
		"earliest..latest": {50, 100}, "70..70": {70, 70}, "200": {200, 100},
	} {
		s, err := parseSpan(text, noon)
		if got := [2]int64{s.from.offset(kept), s.to.end(kept, false)}; err != nil || got != want {
			t.Errorf("%s is %v, %v; not %v", text, got, err, want)
		}
	}
	s, err := parseSpan("@2026-01-15T10:00..@-5m", noon)
	if err != nil || !s.from.time.Equal(noon.Add(-2*time.Hour)) || !s.to.time.Equal(noon.Add(-5*time.Minute)) {
		t.Errorf("%+v, %v", s, err)
	}
	for text, want := range map[string]string{
		"": "allowed: earliest", "..": "allowed: earliest", "first": "allowed: earliest", "1..2..3": "allowed: earliest",
		"+5": "allowed: earliest", "9223372036854775808": "allowed: earliest", "--5": "allowed: earliest", "1.5": "allowed: earliest",
		"@": "allowed: RFC 3339", "@noon..": "allowed: RFC 3339", "200..100": "ends before it begins",
		"-5..-10": "ends before it begins", "@-5m..@-10m": "ends before it begins",
	} {
		if s, err := parseSpan(text, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v, %v; not %s", text, s, err, want)
		}
	}
}

// Who follows goes on past today's end, unless another one was named.
func TestWhoFollowsHasTheEndThatWasNamed(t *testing.T) {
	for text, want := range map[string]int64{"70": math.MaxInt64, "-10": math.MaxInt64, "60..200": 200, "60..@-5m": math.MaxInt64} {
		s, err := parseSpan(text, noon)
		if got := s.to.end(kept, true); err != nil || got != want {
			t.Errorf("%s ends at %d, %v; not %d", text, got, err, want)
		}
	}
}

// Whatever is typed is refused, or is a range within what an offset can be.
func FuzzSpan(f *testing.F) {
	for _, text := range []string{"earliest", "100..200", "-10", "@2026-01-15T10:00..@-5m", "..@7d", "@1736937045000", "latest.."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSpan(text, noon)
		if err != nil {
			return
		}
		from, to := s.from.offset(kept), s.to.end(kept, false)
		if from < 0 || to < 0 || to > kept.HighWaterMark {
			t.Errorf("%q: %d to %d", text, from, to)
		}
		for _, p := range []point{s.from, s.to} {
			if p.kind == atTime && (p.time.UnixMilli() < 0 || p.time.UnixMilli() > maxMilliseconds) {
				t.Errorf("%q: %v", text, p.time)
			}
		}
	})
}
