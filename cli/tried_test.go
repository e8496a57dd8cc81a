package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every flag of the commands that talk to a broker is used by one of the scripts that run them. What serve's flags do
// is in TestEveryFlagOfTheBrokerReachesIt.
func TestEveryFlagOfACommandIsTried(t *testing.T) {
	files, err := filepath.Glob("../e2e/testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var lines []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, line)
		}
	}
	root := rootCommand()
	for _, c := range root.Commands() {
		if c.Name() != "loadtest" {
			wantTried(t, c, lines)
		}
	}
}

func wantTried(t *testing.T, c *cobra.Command, lines []string) {
	t.Helper()
	for _, member := range c.Commands() {
		wantTried(t, member, lines)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		use := "--" + f.Name
		if f.Shorthand != "" {
			use = "(--" + f.Name + "|-" + f.Shorthand + ")"
		}
		tried := regexp.MustCompile(`\b` + below(c) + ` .*` + use + `\b`)
		for _, line := range lines {
			if tried.MatchString(line) {
				return
			}
		}
		switch f.Name {
		case "help", "port", "server", "token", "token-file", "ca": // one piece of code for all commands, which target.txtar tries
		default:
			t.Errorf("no script tries flashq %s --%s", below(c), f.Name)
		}
	})
}
