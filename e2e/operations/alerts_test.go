package operations

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// Prometheus takes the rules, and each alert is heard of a broker that is ill in its way, and not of one that is well.
func TestAlerts(t *testing.T) {
	root, err := instance.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(filepath.Join(os.Getenv("FLASHQ_OPERATIONS"), "bin", "promtool"), args...)
		cmd.Dir = filepath.Join(root, "docs", "operations")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	tried := operations(t, "alerts_test.yml")
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(operations(t, "alerts.yml"), -1) {
		if !strings.Contains(tried, `{alertname="`+alert[1]+`", instance="ill"}`) {
			t.Errorf("no test of %s", alert[1])
		}
	}
}
