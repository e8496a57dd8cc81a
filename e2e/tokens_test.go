package e2e

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// tokenFile is a file of tokens, as an operator has it.
type tokenFile struct {
	*testing.T
	name string
}

// token runs flashq token, and gives what it prints.
func (f *tokenFile) token(args ...string) string {
	f.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(instance.Binary(), append([]string{"token", "--auth-file", f.name}, args...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		f.Fatalf("%q: %v %s", args, err, &errs)
	}
	return strings.TrimSpace(string(out))
}

func (f *tokenFile) write(text string) {
	f.Helper()
	if err := os.WriteFile(f.name, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// ask sends a request with a token, and gives the answer whose body is to be read.
func (f *tokenFile) ask(b *instance.Instance, token, method, path, body, accept string) *http.Response {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	f.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, "http://"+b.Addr+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": accept,
	} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { res.Body.Close() })
	return res
}

func (f *tokenFile) want(b *instance.Instance, token, method, path, body string, status int) {
	f.Helper()
	res := f.ask(b, token, method, path, body, "application/json")
	if text, _ := io.ReadAll(res.Body); res.StatusCode != status {
		f.Fatalf("%s %s: %d instead of %d: %s", method, path, res.StatusCode, status, text)
	}
}

// A file of tokens is changed under a broker that runs: what it says holds within seconds, a broken one changes
// nothing, and no token is in the log.
func TestTokensOfARunningBroker(t *testing.T) {
	f := &tokenFile{t, filepath.Join(t.TempDir(), "tokens.json")}
	reader := f.token("create", "reader", "--scope", "read", "--topic", "news")
	writer := f.token("create", "writer", "--scope", "write")
	b := instance.Start(t, "--auth-file", f.name, "--log-level", "debug")
	const records, record = "/topics/news/records", `{"records":[{"value":"x"}]}`
	f.want(b, writer, "POST", records, record, 200)
	f.want(b, reader, "POST", records, record, 403)
	f.want(b, "fq_x", "GET", records, "", 401)
	f.want(b, reader, "GET", records, "", 200)
	f.want(b, reader, "GET", "/topics/old/records", "", 403)

	// A stream ends with its token, and who waits is told.
	stream := f.ask(b, reader, "GET", records, "", "text/event-stream")
	waits := f.ask(b, "", "GET", records+"?access_token="+reader+"&from_offset=0", "", "application/json")
	if waits.StatusCode != 401 {
		t.Error(waits.Status)
	}
	lines := bufio.NewScanner(stream.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry: ") {
		t.Fatal(lines.Text())
	}
	begun := time.Now()
	f.token("revoke", "reader")
	rest := ""
	for lines.Scan() {
		rest += lines.Text() + "|"
	}
	if !strings.Contains(rest, `"error":"unauthorized"`) || time.Since(begun) > 10*time.Second {
		t.Errorf("after %v the stream ends with %s", time.Since(begun), rest)
	}
	f.want(b, reader, "GET", records, "", 401)

	// A broken file changes nothing, nor does one that is gone.
	good, err := os.ReadFile(f.name)
	if err != nil {
		t.Fatal(err)
	}
	f.write(`{"version":1,"tokens":[{}]}`)
	b.Logged(t, regexp.MustCompile(`(can't reload the tokens.*tokens\[0\])`))
	f.want(b, writer, "POST", records, record, 200)
	if err := os.Remove(f.name); err != nil {
		t.Fatal(err)
	}
	b.Logged(t, regexp.MustCompile(`(can't reload the tokens.*no such file)`))
	f.want(b, writer, "POST", records, record, 200)
	f.write(string(good))
	b.Logged(t, regexp.MustCompile(`(reloaded the tokens)`))
	another := f.token("create", "writer", "--replace")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res := f.ask(b, another, "POST", records, record, "application/json")
		if res.StatusCode == 200 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a new token is not taken: %s", res.Status)
		}
	}
	f.want(b, writer, "POST", records, record, 401)
	b.Stop(t)
	for _, token := range []string{reader, writer, another} {
		if strings.Contains(b.Log(), token[3:]) {
			t.Error("the log shows a token")
		}
	}
}
