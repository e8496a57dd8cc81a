package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

var adminAddr = regexp.MustCompile(`admin_addr=(\S+)`)

// Profiles are there for who asks on this machine under its own name, and not among the API's routes.
func TestProfilesHaveAnAddressOfTheirOwn(t *testing.T) {
	broker := instance.Start(t, "--admin-listen=127.0.0.1:0")
	addr := broker.Logged(t, adminAddr)
	for _, row := range []struct {
		url, host string
		status    int
		body      string
	}{
		{"http://" + addr + "/debug/pprof/goroutine?debug=1", "", http.StatusOK, "flashq/cli.serve"},
		{"http://" + addr + "/debug/pprof/", "localhost", http.StatusOK, "allocs"},
		{"http://" + addr + "/debug/pprof/", "rebound.example", http.StatusForbidden, "this machine only"},
		{"http://" + addr + "/topics", "", http.StatusNotFound, ""},
		{"http://" + broker.Addr + "/debug/pprof/", "", http.StatusNotFound, "not_found"},
	} {
		req, err := http.NewRequest(http.MethodGet, row.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = row.host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != row.status || !strings.Contains(string(body), row.body) {
			t.Errorf("%s as %q: status %d, %v: %.200s", row.url, row.host, res.StatusCode, err, body)
		}
	}
	broker.Stop(t)
}
