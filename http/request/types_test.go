package request

import (
	"regexp"
	"strings"
	"testing"

	"flashq/http/schema"
)

// What a type of the document takes, its parser takes, too; and what is near it and not taken, neither does.
func FuzzTypes(f *testing.F) {
	for _, text := range []string{
		"a", "a.b", "_a", "_.a", "-a", "__a", "_-a", ".a", ".", "..", "a..b", "a.", "_", "_.", "a/b", "ä", "0:15,2:7",
		"g7;0:15", "g7;", "0:1,0:2", "2026-02-28", "2026-02-30", "2026-04-31", "2026-01-15T10:00:00Z",
		"2026-01-15T10:00:00.123+01:00", "2026-01-15T24:00:00Z", "-15m", "-2h30m", "-5", "0", "5", "100000000000",
		"100000000001", "1768471201000", "earliest", "latest",
	} {
		f.Add(text)
	}
	rules := map[string]*regexp.Regexp{}
	rule := func(s *schema.Schema, text string) bool {
		if rules[s.Pattern] == nil {
			rules[s.Pattern] = regexp.MustCompile(s.Pattern)
		}
		return rules[s.Pattern].MatchString(text) && (s.MaxLength == 0 || len(text) <= s.MaxLength)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for field, s := range map[string]*schema.Schema{"topic": TopicName, "group": GroupName} {
			if got, want := CheckName(field, text) == nil, rule(s, text); got != want {
				t.Errorf("%s %q: taken %v, documented %v", field, text, got, want)
			}
		}
		if _, _, got := ParseToken([]byte(text)); !got && rule(Position, text) && !twice(text) {
			t.Errorf("position %q is documented, and not taken", text)
		}
		const now = 1_800_000_000_000
		if _, why := ParseTime([]byte(text), now); why != "" && rule(Time, text) {
			t.Errorf("time %q is documented, and not taken: it %s", text, why)
		}
		v := Value{Name: "timestamp", Text: []byte(text), Now: now}
		if _, err := v.RecordTime(); err != nil && rule(RecordTime, text) {
			t.Errorf("timestamp %q is documented, and not taken: %v", text, err)
		}
	})
}

// twice tells that a position names a partition more than once, which its rule can't tell.
func twice(token string) bool {
	_, rest, found := strings.Cut(token, ";")
	if !found {
		rest = token
	}
	seen := map[string]bool{}
	for mark := range strings.SplitSeq(rest, ",") {
		partition, _, _ := strings.Cut(mark, ":")
		partition = strings.TrimLeft(partition, "0")
		if seen[partition] {
			return true
		}
		seen[partition] = true
	}
	return false
}
