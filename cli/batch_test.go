package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bodies cuts all of an input.
func bodies(t *testing.T, name string, stdin io.Reader) (media string, all []string) {
	t.Helper()
	b, err := openBatch(t.Context(), name, stdin)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for {
		body, err := b.cut()
		if errors.Is(err, io.EOF) {
			return b.media, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(body))
	}
}

func TestAnInputIsKnownByHowItBegins(t *testing.T) {
	const asJSON, asLines = "application/json", "application/x-ndjson"
	for name, row := range map[string]struct{ text, media, body string }{
		"list":           {` [ {"value": 1} ,{"value":2}]`, asJSON, `{"records":[{"value": 1},{"value":2}]}`},
		"document":       {"{\n \"records\" : [{\"value\":1}]}\n", asJSON, `{"records":[{"value":1}]}`},
		"lines":          {"{\"value\":1}\r\n\n{\"records\":2}", asLines, "{\"value\":1}\n{\"records\":2}\n"},
		"nonsense":       {"hello", asLines, "hello\n"},
		"late.json":      {`{"a":{"records":[]},"records":[{"value":1}],"b":[]}`, asJSON, `{"records":[{"value":1}]}`},
		"sniffed.txt":    {`[{"value":1}]`, asJSON, `{"records":[{"value":1}]}`},
		"records.ndjson": {`{"records":[]}`, asLines, "{\"records\":[]}\n"},
		"UPPER.JSONL":    {`[1]`, asLines, "[1]\n"},
	} {
		var media string
		var got []string
		if filepath.Ext(name) == "" {
			media, got = bodies(t, "-", strings.NewReader(row.text))
		} else {
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			media, got = bodies(t, file, nil)
		}
		if media != row.media || len(got) != 1 || got[0] != row.body {
			t.Errorf("%s: %s %q", name, media, got)
		}
	}
}

// Long inputs become several bodies, none too long, with every line whole and in order.
func TestLinesAreCutBetweenRequests(t *testing.T) {
	var in bytes.Buffer
	const lines, width = 500, 100_000
	for i := range lines {
		fmt.Fprintf(&in, "{\"value\":\"%d %s\"}\n", i, strings.Repeat("x", width))
	}
	want := in.String()
	_, all := bodies(t, "-", &in)
	if got := strings.Join(all, ""); got != want {
		t.Errorf("%d bytes became %d", len(want), len(got))
	}
	for i, body := range all {
		if len(body) > maxBody || !strings.HasSuffix(body, "}\n") || i < len(all)-1 && len(body) < maxBody-2*width {
			t.Errorf("body %d has %d bytes", i, len(body))
		}
	}
}

func TestDocumentsAreCutBetweenRequests(t *testing.T) {
	var in bytes.Buffer
	value := strings.Repeat("x", 1<<20)
	for i := range 40 {
		fmt.Fprintf(&in, ",{\"value\":\"%d %s\"}", i, value)
	}
	_, all := bodies(t, "-", strings.NewReader("["+in.String()[1:]+"]"))
	n := 0
	for i, body := range all {
		var document struct{ Records []struct{ Value string } }
		if err := json.Unmarshal([]byte(body), &document); err != nil || len(body) > maxBody {
			t.Fatalf("body %d of %d bytes: %v", i, len(body), err)
		}
		for _, r := range document.Records {
			if want := fmt.Sprint(n, " ", value); r.Value != want {
				t.Fatalf("record %d is %.20s", n, r.Value)
			}
			n++
		}
	}
	if n != 40 || len(all) != 3 {
		t.Errorf("%d records in %d bodies", n, len(all))
	}
}

func TestALineThatFitsNoRequestIsNamed(t *testing.T) {
	long := "{}\n" + strings.Repeat("x", maxBody+100_000)
	b := &lineCutter{in: bufio.NewReader(strings.NewReader(long))}
	if _, err := b.cut(); err == nil || !strings.Contains(err.Error(), "line 2 is longer") {
		t.Error(err)
	}
}

// A terminal that nobody types at does not hold an interrupt up.
func TestAnInputThatBlocksCanBeInterrupted(t *testing.T) {
	blocked, in := io.Pipe()
	defer in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := interruptible(ctx, blocked)
	cancel()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
