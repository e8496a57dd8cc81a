package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

// figuresPage is /metrics of a broker that has served a group.
func figuresPage(t *testing.T) string {
	t.Helper()
	broker := instance.Start(t, "--access-log="+filepath.Join(t.TempDir(), "access"))
	broker.Produce(t, "news", "text/plain", []byte("hello"))
	broker.Fetch(t, "news", "group=g")
	broker.Fetch(t, "news", "group=g&ack=0:1")
	return string(broker.Must(t, 200, "GET", "/metrics", "", nil, nil).Body)
}

// shows tells whether a page has a figure, a histogram among them.
func shows(page, figure string) bool {
	return strings.Contains(page, "\n# TYPE "+strings.TrimSuffix(figure, "_bucket")+" ")
}

// Every figure that an alert is about, and every reason, route and bound, stands on the page: a rule about nothing never
// fires.
func TestAlertsAreAboutFiguresThatExist(t *testing.T) {
	page := figuresPage(t)
	rules := doc(t, "docs/operations/alerts.yml")
	figures := names(regexp.MustCompile(`\b((?:flashq|process)_[a-z_]+)[{\[]`), rules)
	if len(figures) < 8 {
		t.Errorf("only %v", figures)
	}
	for figure := range figures {
		if !shows(page, figure) {
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

// operations.md speaks of figures that exist, and of every bound that there is.
func TestBoundsAreWrittenDown(t *testing.T) {
	page, text := figuresPage(t), doc(t, "docs/operations.md")
	figures := names(regexp.MustCompile("`((?:flashq|process)_[a-z_]+)`"), text)
	if len(figures) < 8 {
		t.Errorf("only %v", figures)
	}
	for figure := range figures {
		if !shows(page, figure) {
			t.Errorf("%s is not on the page", figure)
		}
	}
	for bound := range names(regexp.MustCompile(`\nflashq_limit{bound="([^"]+)"}`), page) {
		if !strings.Contains(text, "`"+bound+"`") && !strings.Contains(text, "`--"+bound+"`") {
			t.Errorf("no word of the bound %s", bound)
		}
	}
}
