package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// Every figure that an alert is about, and every reason, route and bound, stands on the page of a broker that has served a
// group: a rule about nothing never fires.
func TestAlertsAreAboutFiguresThatExist(t *testing.T) {
	broker := instance.Start(t, "--access-log="+filepath.Join(t.TempDir(), "access"))
	broker.Produce(t, "news", "text/plain", []byte("hello"))
	broker.Fetch(t, "news", "group=g")
	broker.Fetch(t, "news", "group=g&ack=0:1")
	page := string(broker.Must(t, 200, "GET", "/metrics", "", nil, nil).Body)
	rules := doc(t, "docs/operations/alerts.yml")
	figures := names(regexp.MustCompile(`\b((?:flashq|process)_[a-z_]+)[{\[]`), rules)
	if len(figures) < 12 {
		t.Errorf("only %v", figures)
	}
	for figure := range figures {
		if !strings.Contains(page, "\n"+figure+"{") && !strings.Contains(page, "\n"+figure+" ") {
			t.Errorf("%s is not on the page", figure)
		}
	}
	for _, m := range regexp.MustCompile(`\b(reason|route|bound)[!=~]+"([^"]+)"`).FindAllStringSubmatch(rules, -1) {
		for value := range strings.SplitSeq(m[2], "|") {
			if !strings.Contains(page, m[1]+`="`+value+`"`) {
				t.Errorf("%s %s is not on the page", m[1], value)
			}
		}
	}
}
