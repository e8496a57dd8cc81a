package loadtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashq/loadtest/drive/drivetest"
	"flashq/loadtest/report"
)

func TestPayloadLinesAreSentInTheirOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte("{\"a\":1}\n\n  plain \"text\" \nlast"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := bodies(report.Load{Format: "json", Batch: 2, Payload: file})
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %q", err, list)
	}
	var got []string
	for _, body := range list {
		for _, r := range decode(t, "json", body) {
			got = append(got, r.Value)
		}
	}
	if want := `{"a":1}|plain "text"|last|{"a":1}`; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	p := drivetest.New()
	defer p.Server.Close()
	c := small()
	c.Target, c.SkipNoop, c.Payload = "http://"+p.Address, true, file
	if r, err := Run(t.Context(), c); err != nil || r.Load.Size != (7+12+4)/3 {
		t.Errorf("%v, %+v", err, r)
	}
}
