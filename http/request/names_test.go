package request

import (
	"strings"
	"testing"
)

func TestTopicNames(t *testing.T) {
	for _, name := range []string{"a", "news", "A.b_c-9", ".a", "_a", "a.b", strings.Repeat("n", 249)} {
		if why := badName(name, MaxTopicName); why != "" {
			t.Errorf("%q: %s", name, why)
		}
	}
	for _, name := range []string{
		"", ".", "..", "a..b", "-a", "__meta", "a b", "a/b", "a%2fb", "ü", "a\x00b", "a:b", strings.Repeat("n", 250),
	} {
		if badName(name, MaxTopicName) == "" {
			t.Errorf("%q was taken", name)
		}
	}
}
