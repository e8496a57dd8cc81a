package fault

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every error stands in the table of docs/api.md, beside its status, and the table has no other.
func TestDocsListEveryError(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| status | `error` | |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 4 {
			continue
		}
		for _, status := range regexp.MustCompile(`\d+`).FindAllString(cells[1], -1) {
			for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[2], -1) {
				listed[status+" "+code[1]] = true
			}
		}
	}
	known := map[string]bool{}
	for _, k := range Kinds() {
		name := strconv.Itoa(k.Status) + " " + k.Code
		if !listed[name] {
			t.Errorf("%s is not in the table", name)
		}
		if k.When == "" {
			t.Errorf("%s does not say when", name)
		}
		known[k.Code] = true
	}
	for name := range listed {
		if _, code, _ := strings.Cut(name, " "); !known[code] {
			t.Errorf("%s stands in the table and is no error", name)
		}
	}
}
