package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/e2e/instance"
)

var (
	// times differ from run to run; everything else in an answer must be as the README shows it.
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	// shells are what a reader types to build or start something; the tests do that themselves.
	shells = regexp.MustCompile(`^(make|bin/flashq|go) `)
	// commands are what a reader types at a broker that runs.
	commands = regexp.MustCompile(`^bin/flashq (producer|consumer|consume|tail|group|topics|topic|health|demo|loadtest)\b`)
	// named are commands of ours in indented blocks, up to a comment.
	named   = regexp.MustCompile(`(?m)^ {4}(bin/flashq [^#\n]*)`)
	flags   = regexp.MustCompile("(?m)^\\| `(--[a-z-]+)")
	anyFlag = regexp.MustCompile("`(--[a-z-]+)`")
)

// What README and docs tell a reader to type works, in the order of reading, and answers what they show.
func TestDocsWorkAsWritten(t *testing.T) {
	for _, doc := range []struct {
		file      string
		ran, ours int // at least so many blocks in all, and of our own command line
	}{{"README.md", 19, 6}, {"docs/api.md", 20, 0}, {"docs/clients.md", 3, 0}} {
		t.Run(doc.file, func(t *testing.T) {
			broker := instance.Start(t)
			dir := binDir(t)
			ran, ours := 0, 0
			for _, example := range examples(t, doc.file) {
				switch {
				case commands.MatchString(example.script):
					ours++
				case shells.MatchString(example.script):
					continue
				}
				ran++
				example.check(t, broker, dir)
			}
			if ran < doc.ran || ours < doc.ours {
				t.Errorf("only %d examples were found, %d of them of the command line", ran, ours)
			}
			broker.Stop(t)
		})
	}
}

// binDir is a folder with the program as bin/flashq.
func binDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "bin"), 0o755),
		os.Symlink(instance.Binary(), filepath.Join(dir, "bin", "flashq"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// check runs an example and compares what it prints.
func (e example) check(t *testing.T, broker *instance.Instance, dir string) {
	t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", strings.ReplaceAll(e.script, "localhost:8080", broker.Addr))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FLASHQ_SERVER=http://"+broker.Addr)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\nends with %v: %s", e.script, err, out)
	}
	if diff := e.differs(t, out); diff != "" {
		t.Errorf("%s\nanswers otherwise (-doc +broker):\n%s", e.script, diff)
	}
}

// Commands that docs name without showing an answer, since they take long or measure, are at least commands: each takes
// the flags that it is given there.
func TestDocsNameCommandsThatExist(t *testing.T) {
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir, found := binDir(t), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			cmd := exec.Command("bash", "-c", m[1]+" --help")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", filepath.Base(file), m[1], err, out)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d commands were found", found)
	}
}

// The README's table of flags is the command's, operations.md speaks of each, and what is started as its files say takes
// the flags that it gets there.
func TestDocsListFlags(t *testing.T) {
	known := flagsOf(t)
	if diff := cmp.Diff(names(flags, doc(t, "README.md")), known); diff != "" {
		t.Errorf("flags (-README +broker):\n%s", diff)
	}
	_, section, _ := strings.Cut(doc(t, "docs/operations.md"), "\n## Flags\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, table, _ := strings.Cut(section, "|---|---|")
	if diff := cmp.Diff(names(anyFlag, table), known); diff != "" {
		t.Errorf("flags (-operations.md +broker):\n%s", diff)
	}
	for _, file := range []string{"flashq.service", "Dockerfile", "compose.yaml", "kubernetes.yaml"} {
		command := regexp.MustCompile(`.*--listen=.*`).FindString(doc(t, "docs/operations/"+file))
		used := names(regexp.MustCompile(`(--[a-z-]+)`), command)
		if len(used) < 3 {
			t.Errorf("%s starts a broker with %q", file, command)
		}
		for flag := range used {
			if !known[flag] {
				t.Errorf("%s: %s is no flag", file, flag)
			}
		}
	}
}

// Links within the docs lead to files and headings that are there.
func TestDocsLinkToWhatIsThere(t *testing.T) {
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]+))?\)`).FindAllStringSubmatch(string(text), -1) {
			found++
			to := file
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(file), m[1])
			}
			there, err := os.Stat(to)
			if err != nil || m[2] != "" && !there.IsDir() && !headings(t, to)[m[2]] {
				t.Errorf("%s: %s leads nowhere", filepath.Base(file), m[0])
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d links were found", found)
	}
}

// headings are the anchors of a page.
func headings(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for heading := range names(regexp.MustCompile(`(?m)^#+ (.*)$`), string(text)) {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading), "")
		all[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return all
}

// flagsOf are the broker's flags.
func flagsOf(t *testing.T) map[string]bool {
	t.Helper()
	help, err := exec.Command(instance.Binary(), "--help").Output()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	known := names(regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`), string(help))
	delete(known, "--help")
	delete(known, "--version")
	return known
}

func names(pattern *regexp.Regexp, text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	return all
}

// example is a block of shell and what the README shows as its output.
type example struct {
	script   string
	language string // of the output: json, text, or "" when none is shown
	output   string
}

// examples are a document's ```sh blocks with the ```json or ```text block that follows each.
func examples(t *testing.T, file string) (all []example) {
	t.Helper()
	fences := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	for _, m := range fences.FindAllStringSubmatch(doc(t, file), -1) {
		switch last := len(all) - 1; {
		case m[1] == "sh":
			all = append(all, example{script: m[2]})
		case last < 0 || all[last].language != "":
			t.Fatalf("%s: a block of %q follows no shell block:\n%s", file, m[1], m[2])
		default:
			all[last].language, all[last].output = m[1], m[2]
		}
	}
	return all
}

func (e example) differs(t *testing.T, out []byte) string {
	t.Helper()
	want, got := times.ReplaceAllString(e.output, "TIME"), times.ReplaceAllString(string(out), "TIME")
	switch e.language {
	case "":
		return ""
	case "json":
		return cmp.Diff(parse(t, want), parse(t, got))
	default:
		return cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got))
	}
}

func parse(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %v:\n%s", err, text)
	}
	return v
}

func doc(t *testing.T, file string) string {
	t.Helper()
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
