package http

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// edit changes what the file says of tokens that stay.
func (k *keys) edit(before, after string) {
	k.Helper()
	text, err := os.ReadFile(k.path)
	if err != nil {
		k.Fatal(err)
	}
	edited := strings.Replace(string(text), before, after, 1)
	if edited == string(text) {
		k.Fatalf("no %s in %s", before, text)
	}
	if err := os.WriteFile(k.path, []byte(edited), 0o600); err != nil {
		k.Fatal(err)
	}
	k.load()
}

// What a token began to send is judged again when all of it is there: after a revocation nothing happens for the token.
func TestWhatATokenBeganDoesNotOutliveIt(t *testing.T) {
	for what, ask := range map[string]struct{ line, body string }{
		"records":        {"POST /topics/news/records", `{"records":[{"value":"late"}]}`},
		"a commit":       {"POST /groups/g/offsets", `{"offsets":[{"topic":"news","offset":1}]}`},
		"a forced one":   {"POST /groups/g/offsets?force=true", `{"offsets":[{"topic":"news","offset":1}]}`},
		"a member":       {"PUT /groups/g/members/m", `{"topics":["news"]}`},
		"a group":        {"PUT /groups/late", `{"start":"latest"}`},
		"a topic":        {"PUT /topics/late", `{"partitions":2}`},
		"an alias":       {"POST /topic/news/record", `{"records":[{"value":"late"}]}`},
		"alias's commit": {"POST /consumer/g/topic/news/offset", `{"offset":1}`},
	} {
		t.Run(what, func(t *testing.T) {
			k := newKeys(t, "a: admin * *", "root: admin * *")
			f := start(t, Config{Tokens: k.tokens})
			f.as(k, "root", "POST", "/topics/news/records", `{"records":[{"value":"first"}]}`).want(t, 200)
			f.as(k, "root", "PUT", "/groups/g", "").want(t, 201)
			finish := f.begin(k, "a", ask.line, ask.body)
			k.revoke("a")
			a := finish()
			a.wantError(t, 401, "unauthorized")
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
				t.Error(got)
			}
			if got := f.as(k, "root", "GET", "/topics/news/records", "").body; strings.Contains(got, "late") {
				t.Error(got)
			}
			got := f.as(k, "root", "GET", "/groups/g", "").want(t, 200).body
			if !strings.Contains(got, `"members":[],"offsets":[]`) {
				t.Error(got)
			}
			f.as(k, "root", "GET", "/groups/late", "").want(t, 404)
			f.as(k, "root", "GET", "/topics/late", "").want(t, 404)
		})
	}
}

// A token of which the file says something else meanwhile is judged by that.
func TestWhatATokenBeganIsJudgedByTheChange(t *testing.T) {
	const commit = `{"offsets":[{"topic":"news","offset":1}]}`
	for _, test := range []struct {
		line, body, after string
		status            int
	}{
		{"POST /topics/news/records", oneRecord, "write", 200},
		{"POST /topics/news/records", oneRecord, "read", 403},
		{"POST /groups/g/offsets", commit, "read", 200},
		{"POST /groups/g/offsets?force=true", commit, "read", 403},
	} {
		k := newKeys(t, "a: admin * *", "root: read,write * *")
		f := start(t, Config{Tokens: k.tokens})
		f.as(k, "root", "POST", "/topics/news/records", oneRecord).want(t, 200)
		finish := f.begin(k, "a", test.line, test.body)
		k.edit(`"admin"`, `"`+test.after+`"`)
		if a := finish(); a.status != test.status {
			t.Errorf("%s with %s: %d %s", test.line, test.after, a.status, a.body)
		}
	}
}

// begin sends a request but for the end of its body, and gives what sends that and reads the answer.
func (f *fixture) begin(k *keys, name, line, body string) (finish func() answer) {
	f.Helper()
	c, err := f.ln.Dial()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	send := func(text string) {
		f.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			f.Fatal(err)
		}
	}
	send(fmt.Sprintf("%s HTTP/1.1\r\nHost: flashq\r\nAuthorization: %s\r\n%s\r\n%s", line, k.header(name), jsonHead(body),
		body[:len(body)-2]))
	eventually(f.T, "the body is read", func() bool { return f.s.bounds.inflight.Used() > 0 })
	return func() answer {
		f.Helper()
		send(body[len(body)-2:])
		return readAnswer(f, bufio.NewReader(c))
	}
}
