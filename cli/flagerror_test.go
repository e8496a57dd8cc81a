package cli

import (
	"io"
	"strings"
	"testing"
)

// Whatever is wrong with a flag, one line says what is allowed instead, in people's words.
func TestWrongFlagsSayWhatIsAllowed(t *testing.T) {
	for line, want := range map[string]string{
		"--no-such-flag":                "allowed: --listen --storage --data-dir",
		"-x":                            "allowed: --listen --storage --data-dir",
		"loadtest produce --no-such":    "--size",
		"--storage":                     "allowed: memory, file",
		"--storage=tape":                "allowed: memory, file",
		"--batch-bytes":                 "allowed: bytes such as 65536, 64KiB",
		"--batch-bytes=many":            "allowed: bytes such as 65536, 64KiB",
		"--max-topics=many":             "allowed: a whole number",
		"--fsync-interval=5":            "allowed: a time such as 500ms",
		"--insecure=perhaps":            "allowed: true, false",
		"--listen":                      "host:port",
		"loadtest produce --records=no": "allowed: a whole number",
	} {
		var stderr strings.Builder
		if code := Run(strings.Fields(line), io.Discard, &stderr); code != exitUsage {
			t.Errorf("%s: exit status %d", line, code)
		}
		got := stderr.String()
		if !strings.Contains(got, want) || strings.Count(got, "\n") != 1 || strings.Contains(got, "strconv") {
			t.Errorf("%s: %s", line, got)
		}
	}
}
