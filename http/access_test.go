package http

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flashq/auth"
)

// keys are the tokens of a test, by their names, and the file that they are in.
type keys struct {
	testing.TB
	path    string
	tokens  *auth.Tokens
	secrets map[string]string
}

// newKeys makes tokens of `name: scopes topics groups`, each a list; a topic of * is every one.
func newKeys(t testing.TB, rows ...string) *keys {
	t.Helper()
	k := &keys{TB: t, path: filepath.Join(t.TempDir(), "tokens.json"), secrets: map[string]string{}}
	for _, row := range rows {
		k.make(row, false)
	}
	k.tokens = auth.New(k.path)
	k.load()
	return k
}

func (k *keys) make(row string, replace bool) {
	k.Helper()
	name, rest, _ := strings.Cut(row, ": ")
	lists := strings.Fields(strings.ReplaceAll(rest, "*", `""`))
	list := func(i int) []string { return strings.Split(strings.ReplaceAll(lists[i], `""`, ""), ",") }
	secret, _, err := auth.Create(k.path, auth.Entry{Name: name, Scopes: list(0), Topics: list(1), Groups: list(2)}, replace)
	if err != nil {
		k.Fatal(err)
	}
	k.secrets[name] = secret
}

func (k *keys) load() {
	k.Helper()
	if err := k.tokens.Load(); err != nil {
		k.Fatal(err)
	}
}

func (k *keys) revoke(name string) {
	k.Helper()
	if err := auth.Revoke(k.path, name); err != nil {
		k.Fatal(err)
	}
	k.load()
}

// header is the Authorization header of a token.
func (k *keys) header(name string) string { return "Bearer " + k.secrets[name] }

// as sends a request with a token, JSON if it has a body.
func (f *fixture) as(k *keys, name, method, path, body string, headers ...string) answer {
	f.Helper()
	headers = append(headers, "Authorization", k.header(name))
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return f.do(method, path, body, headers...)
}

// exchange sends a request on a connection of its own, and gives the answer to it.
func exchange(t *testing.T, dial func(string) net.Conn, request string) answer {
	t.Helper()
	c := dial(request)
	defer c.Close()
	return readAnswer(t, bufio.NewReader(c))
}

// Every route that there is, read off the table, meets every kind of caller.
func TestEveryRouteAsksForItsScope(t *testing.T) {
	k := newKeys(t, "reader: read a. g.", "writer: write a. g.", "admin: admin a. g.", "both: read,write * *",
		"other-topics: read,write,admin b. g.", "other-groups: read,write,admin a. h.", "revoked: admin * *")
	k.revoke("revoked")
	_, s, dial := tcpWith(t, Config{Tokens: k.tokens})
	for _, row := range s.table {
		if row.scope == 0 {
			t.Fatalf("%s %s has no scope", row.method, row.pattern)
		}
		path := strings.NewReplacer("{topic}", "a.one", "{group}", "g.one", "{member}", "m").Replace(row.pattern)
		hasTopic, hasGroup := strings.Contains(row.pattern, "{topic}"), strings.Contains(row.pattern, "{group}")
		methods := []string{row.method}
		if row.method == "GET" {
			methods = append(methods, "HEAD")
		}
		want := func(name string) int {
			scopes := map[string]string{
				"reader": "read", "writer": "write", "admin": "read write admin", "both": "read write",
				"other-topics": "read write admin", "other-groups": "read write admin",
			}[name]
			switch {
			case row.scope == auth.Open:
				return 0
			case scopes == "":
				return 401
			case row.scope == auth.ReadAll && name != "both",
				!strings.Contains(scopes, row.scope.String()),
				hasTopic && name == "other-topics", hasGroup && name == "other-groups":
				return 403
			}
			return 0
		}
		for _, method := range methods {
			for _, name := range []string{
				"none", "wrong", "revoked", "other-topics", "other-groups", "reader", "writer", "both", "admin",
			} {
				authorization := "Authorization: " + k.header(name) + "\r\n"
				switch name {
				case "none":
					authorization = ""
				case "wrong":
					authorization = "Authorization: Bearer fq_" + strings.Repeat("x", 43) + "\r\n"
				}
				body := "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
				if row.bodies == nil {
					body = "\r\n"
				}
				request := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + authorization + body
				a := askOnce(t, dial, method, request)
				about := fmt.Sprintf("%s %s as %s: %d %s", method, path, name, a.status, a.body)
				challenge := map[string]string{"none": "Bearer"}[name]
				if challenge == "" {
					challenge = `Bearer error="invalid_token"`
				}
				switch status := want(name); {
				case status == 0 && (a.status == 401 || a.status == 403 || a.status >= 500 && a.status != 503):
					t.Error(about)
				case status != 0 && a.status != status:
					t.Errorf("%s, want %d", about, status)
				case status == 401 && a.header.Get("WWW-Authenticate") != challenge:
					t.Errorf("%s: %q", about, a.header.Get("WWW-Authenticate"))
				case status != 401 && a.header.Get("WWW-Authenticate") != "":
					t.Errorf("%s with a challenge", about)
				case status != 0 && method != "HEAD":
					a.wantError(t, status, map[int]string{401: "unauthorized", 403: "forbidden"}[status])
				}
			}
		}
	}
}

// askOnce sends a request and reads the answer to that method.
func askOnce(t *testing.T, dial func(string) net.Conn, method, request string) answer {
	t.Helper()
	c := dial(request)
	defer c.Close()
	res, err := nethttp.ReadResponse(bufio.NewReader(c), &nethttp.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf(res, text)
}

// The column of scopes is right where a mistake would be worst.
func TestChangesAreNotForReaders(t *testing.T) {
	s := New(Config{})
	want := map[string]auth.Scope{
		"PUT /topics/{topic}": auth.Admin, "DELETE /topics/{topic}": auth.Admin, "DELETE /groups/{group}": auth.Admin,
		"DELETE /consumer/{group}": auth.Admin, "POST /topics/{topic}/records": auth.Write,
		"POST /topic/{topic}/record": auth.Write,
	}
	for _, row := range s.table {
		name := row.method + " " + row.pattern
		if scope, named := want[name]; named && row.scope != scope {
			t.Errorf("%s takes %s", name, row.scope)
		}
		delete(want, name)
		if row.scope == auth.Open && (row.method != "GET" || strings.Contains(row.pattern, "{")) {
			t.Errorf("%s is open", name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestTokensAreReadStrictly(t *testing.T) {
	k := newKeys(t, "a: read,write,admin * *")
	_, _, dial := tcpWith(t, Config{Tokens: k.tokens})
	secret := k.secrets["a"]
	for _, c := range []struct {
		head      string
		status    int
		challenge string
	}{
		{"Authorization: Bearer " + secret, 200, ""},
		{"authorization: bearer " + secret, 200, ""},
		{"AUTHORIZATION: BEARER   " + secret + "  ", 200, ""},
		{"Authorization: " + secret, 401, "Bearer"},
		{"Authorization: Bearer", 401, "Bearer"},
		{"Authorization: Bearer ", 401, "Bearer"},
		{"Authorization:", 401, "Bearer"},
		{"Authorization: Basic " + secret, 401, "Bearer"},
		{"Authorization: Bearer" + secret, 401, "Bearer"},
		{"Authorization: Bearer Bearer " + secret, 401, "Bearer"},
		{"Authorization: Bearer \"" + secret + "\"", 401, `Bearer error="invalid_token"`},
		{"Authorization: Bearer " + secret[:45], 401, `Bearer error="invalid_token"`},
		{"Authorization: Bearer " + secret + "x", 401, `Bearer error="invalid_token"`},
		{"Authorization: Bearer " + strings.ToUpper(secret), 401, `Bearer error="invalid_token"`},
		{"Authorization: Bearer " + secret + " " + secret, 401, "Bearer"},
		{"Authorization: Bearer " + secret + "," + secret, 401, "Bearer"},
		{"Authorization: Bearer " + secret + "\r\nAuthorization: Bearer " + secret, 401, "Bearer"},
		{"Authorization: Basic eA==\r\nAuthorization: Bearer " + secret, 401, "Bearer"},
		{"Authorization: Bearer " + strings.Repeat("x", 15<<10), 401, `Bearer error="invalid_token"`},
		{"Authorization: Bearer " + strings.Repeat("x", 17<<10), 431, ""},
		{"X-Authorization: Bearer " + secret, 401, "Bearer"},
		{"Proxy-Authorization: Bearer " + secret, 401, "Bearer"},
		{"Cookie: access_token=" + secret, 401, "Bearer"},
	} {
		a := exchange(t, dial, "GET /topics HTTP/1.1\r\nHost: localhost\r\n"+c.head+"\r\n\r\n")
		if a.status != c.status || a.header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%.60q: %d %q", c.head, a.status, a.header.Get("WWW-Authenticate"))
		}
		if strings.Contains(a.body, secret) {
			t.Errorf("%.60q: the answer shows the token", c.head)
		}
	}
}

func TestATokenInTheQueryIsForStreamsOfEvents(t *testing.T) {
	k := newKeys(t, "a: read,write * *", "b: read b *")
	f := start(t, Config{Tokens: k.tokens})
	f.as(k, "a", "POST", "/topics/news/records", `{"records":[{"value":"x"}]}`).want(t, 200)
	in := "?access_token=" + k.secrets["a"]
	f.stream(sse, "/topics/news/records"+in+"&from_offset=0").wantEvent("retry: 2000|id: 0:0")
	f.do("HEAD", "/topics/news/records"+in, "", "Accept", sse).want(t, 200)
	f.get("/topics/news/records?access_token="+k.secrets["b"], "Accept", sse).wantError(t, 403, "forbidden")
	f.get("/topics/news/records?access_token=x", "Accept", sse).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records?access_token=", "Accept", sse).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records"+in+"&access_token=x", "Accept", sse).wantError(t, 400, "invalid_parameter")
	f.get("/topics/news/records"+in).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records"+in+"&follow=true", "Accept", lines).wantError(t, 401, "unauthorized")
	f.get("/topics"+in, "Accept", sse).wantError(t, 401, "unauthorized")
	f.do("POST", "/topics/news/records"+in, `{"records":[]}`, "Content-Type", "application/json", "Accept", sse).
		wantError(t, 401, "unauthorized")
	f.as(k, "a", "GET", "/topics/news/records"+in, "").wantError(t, 400, "invalid_parameter")
	f.as(k, "a", "GET", "/topics/news/records"+in, "", "Accept", sse).wantError(t, 400, "invalid_parameter")
	f.as(k, "a", "GET", "/topics"+in, "").wantError(t, 400, "invalid_parameter")
	open := start(t, Config{}) // where nobody needs a token, a page that sends one is served, too
	open.createTopic("news", "")
	open.stream(sse, "/topics/news/records?access_token=x").wantEvent("retry: 2000|id: 0:0")
	open.get("/topics/news/records?access_token=x").wantError(t, 400, "invalid_parameter")
}

// What a request names beside its path is asked for, too.
func TestNamesBesideThePathAreAskedFor(t *testing.T) {
	k := newKeys(t, "a: read,write a. g.", "admin: admin * *", "admin-a: admin a. g.")
	f := start(t, Config{Tokens: k.tokens})
	f.as(k, "admin", "POST", "/topics/a.one/records", `{"records":[{"value":"x"}]}`).want(t, 200)
	f.as(k, "admin", "POST", "/topics/b.one/records", `{"records":[{"value":"x"}]}`).want(t, 200)
	commit := func(topics ...string) string {
		var items []string
		for _, topic := range topics {
			items = append(items, `{"topic":"`+topic+`","partition":0,"offset":1}`)
		}
		return `{"offsets":[` + strings.Join(items, ",") + `]}`
	}
	for _, c := range []struct {
		who, method, path, body string
		status                  int
		scope, on               string
	}{
		{"a", "GET", "/topics/a.one/records?group=g.one", "", 200, "", ""},
		{"a", "GET", "/topics/a.one/records?group=h.one", "", 403, "read", "group h.one"},
		{"a", "GET", "/topics/a.one/records?group=h.one&member=m", "", 403, "read", "group h.one"},
		{"a", "PUT", "/groups/g.two/members/m", `{"topics":["a.one"]}`, 200, "", ""},
		{"a", "PUT", "/groups/g.two/members/m", `{"topics":["a.one","b.one"]}`, 403, "read", "topic b.one"},
		{"a", "POST", "/groups/g.one/offsets", commit("a.one"), 200, "", ""},
		{"a", "POST", "/groups/g.one/offsets", commit("a.one", "b.one"), 403, "read", "topic b.one"},
		{"a", "POST", "/groups/g.one/offsets", commit("b.none"), 403, "read", "topic b.none"},
		{"a", "POST", "/groups/g.one/offsets?force=false", commit("a.one"), 200, "", ""},
		{"a", "POST", "/groups/g.one/offsets?force=true", commit("a.one"), 403, "admin", "group g.one"},
		{"admin-a", "POST", "/groups/g.one/offsets?force=true", commit("a.one"), 200, "", ""},
		{"admin-a", "POST", "/groups/h.one/offsets?force=true", commit("a.one"), 403, "read", "group h.one"},
		{"a", "GET", "/groups/g.one/offsets?topic=a.one", "", 200, "", ""},
		{"a", "GET", "/groups/g.one/offsets?topic=b.one", "", 403, "read", "topic b.one"},
		{"a", "DELETE", "/groups/g.two?force=true", "", 403, "admin", "group g.two"},
		{"a", "POST", "/topics/a.new/records", `{"records":[{"value":"x"}]}`, 200, "", ""},
		{"a", "POST", "/topics/b.new/records", `{"records":[{"value":"x"}]}`, 403, "write", "topic b.new"},
	} {
		a := f.as(k, c.who, c.method, c.path, c.body).want(t, c.status)
		if c.status != 403 {
			continue
		}
		details := a.wantError(t, 403, "forbidden")
		kind, name, _ := strings.Cut(c.on, " ")
		if details["scope"] != c.scope || details[kind] != name || details["token"] != c.who {
			t.Errorf("%s %s as %s: %s", c.method, c.path, c.who, a.body)
		}
	}
	rows := f.as(k, "admin", "GET", "/groups/g.one/offsets", "").want(t, 200).body
	if !strings.Contains(rows, `"committed_offset":1`) || strings.Contains(rows, "b.one") {
		t.Errorf("what was refused was committed: %s", rows)
	}
	f.as(k, "admin", "GET", "/topics/b.new", "").wantError(t, 404, "topic_not_found")
	f.as(k, "admin", "GET", "/groups/h.one", "").wantError(t, 404, "group_not_found")
}

func TestListsShowWhatOneMayRead(t *testing.T) {
	k := newKeys(t, "a: read a. g.", "admin: admin * *", "writer: write * *")
	f := start(t, Config{Tokens: k.tokens})
	for i := range 10 {
		for _, topic := range []string{"a.", "b."} {
			f.as(k, "admin", "POST", fmt.Sprintf("/topics/%s%d/records", topic, i), `{"records":[{"value":"x"}]}`).want(t, 200)
		}
	}
	for i, group := range []string{"g.0", "g.1", "h.0", "h.1"} {
		f.as(k, "admin", "POST", "/groups/"+group+"/offsets", fmt.Sprintf(
			`{"offsets":[{"topic":"a.%d","partition":0,"offset":0},{"topic":"b.0","partition":0,"offset":0}]}`, i)).want(t, 200)
	}
	f.as(k, "admin", "PUT", "/groups/g.1/members/m", `{"topics":["a.1","b.1"]}`).want(t, 200)
	check := func(who, path, want string) {
		t.Helper()
		if got := f.as(k, who, "GET", path, "").want(t, 200).body; !strings.Contains(got, want) {
			t.Errorf("%s as %s: %s, want %s", path, who, got, want)
		}
	}
	hides := func(who, path string, names ...string) {
		t.Helper()
		got := f.as(k, who, "GET", path, "").want(t, 200).body
		for _, name := range names {
			if strings.Contains(got, name) {
				t.Errorf("%s as %s shows %s: %s", path, who, name, got)
			}
		}
	}
	check("a", "/topics?limit=3", `{"topics":["a.0","a.1","a.2"],"next":"a.2"}`)
	check("a", "/topics?limit=3&after=a.6", `{"topics":["a.7","a.8","a.9"]}`)
	check("a", "/topics?limit=3&after=b.1", `{"topics":[]}`)
	check("admin", "/topics?limit=3&after=a.8", `{"topics":["a.9","b.0","b.1"],"next":"b.1"}`)
	hides("a", "/topics?detail=true", `"b.`)
	check("a", "/groups", `{"groups":[{"group":"g.0","members":0,"topics":["a.0"],"lag":1},{"group":"g.1","members":1,"topics":["a.1"],"lag":1}]}`)
	check("a", "/groups?limit=1", `"next":"g.0"`)
	check("admin", "/groups?limit=2", `"next":"g.1"`)
	hides("a", "/groups/g.1", `b.`)
	check("admin", "/groups/g.1", `"b.1"`)
	check("a", "/groups/g.1", `"assignment":{"a.1":[0]}`)
	hides("a", "/groups/g.0/offsets", `b.`)
	check("a", "/groups/g.0/offsets?limit=1", `"topic":"a.0"`)
	hides("a", "/groups/g.0/offsets?limit=1", `"next"`)
	check("admin", "/groups/g.0/offsets?limit=1", `"next":"a.0:0"`)
	check("a", "/topics/a.0", `"groups":[{"group":"g.0","lag":1}]`)
	check("a", "/topics/a.2", `"groups":[]`)
	check("admin", "/topics/a.2", `"groups":[{"group":"h.0","lag":1}]`)
	f.as(k, "writer", "GET", "/topics", "").wantError(t, 403, "forbidden")
	f.as(k, "writer", "GET", "/groups", "").wantError(t, 403, "forbidden")
	for _, path := range []string{"/", "/health", "/ready"} {
		f.get(path).want(t, 200)
	}
}

// What waits for a token ends with it: a stream must not outlive it.
func TestWhatGoesOnEndsWithItsToken(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		k := newKeys(t, "a: read * *", "b: read * *", "admin: admin * *")
		f := start(t, Config{Tokens: k.tokens})
		f.as(k, "admin", "PUT", "/topics/news", "").want(t, 201)
		ended := f.stream(sse, "/topics/news/records", "Authorization", k.header("a"))
		narrowed := f.stream(lines, "/topics/news/records?follow=true", "Authorization", k.header("b"))
		stays := f.stream(sse, "/topics/news/records?access_token="+k.secrets["admin"])
		ended.event()
		stays.event()
		waits := make(chan answer, 1)
		go func() { waits <- f.as(k, "a", "GET", "/topics/news/records?timeout_ms=60000", "") }()
		f.stillWaits(waits)
		begun := time.Now()
		k.revoke("a")
		ended.wantError("unauthorized")
		a := <-waits
		a.wantError(t, 401, "unauthorized")
		if got := a.header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
			t.Error(got)
		}
		k.make("b: read other *", true)
		k.load()
		if got := narrowed.line(); !strings.Contains(got, `"unauthorized"`) {
			t.Error(got)
		}
		narrowed.wantEnd()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %v", took)
		}
		f.as(k, "a", "GET", "/topics/news/records", "").wantError(t, 401, "unauthorized")
		f.as(k, "b", "GET", "/topics/news/records", "").wantError(t, 403, "forbidden")
		f.as(k, "admin", "POST", "/topics/news/records", `{"records":[{"value":"x"}]}`).want(t, 200)
		stays.wantEvent("id: 0:1|x")
		stays.Conn.Close()
		synctest.Wait()
	})
}

// A reader that takes nothing is not waited for when its token is gone.
func TestAStreamThatIsStuckEndsWithItsToken(t *testing.T) {
	k := newKeys(t, "a: read * *")
	f, s, dial := tcpWith(t, Config{Tokens: k.tokens})
	f.createTopic("news", "")
	for range 16 {
		f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 1<<20-1)+`"}`)
	}
	c := dial("GET /topics/news/records?from_offset=0 HTTP/1.1\r\nHost: localhost\r\nAccept: " + sse +
		"\r\nAuthorization: " + k.header("a") + "\r\n\r\n")
	defer c.Close()
	eventually(t, "the stream is open", func() bool { return s.bounds.streams.Used() == 1 })
	begun := time.Now()
	k.revoke("a")
	eventually(t, "the stream has ended", func() bool { return s.bounds.streams.Used() == 0 })
	if took := time.Since(begun); took > 8*time.Second { // the pace alone gives it 10 and more
		t.Errorf("it took %v", took)
	}
}

// Two principals mean two requests by one key, and one principal means the same by it with another token.
func TestAKeyIsItsPrincipals(t *testing.T) {
	k := newKeys(t, "a: write * *", "b: write * *")
	f := start(t, Config{Tokens: k.tokens})
	post := func(who string) answer {
		return f.as(k, who, "POST", "/topics/news/records", `{"records":[{"value":"x"}]}`, "Idempotency-Key", "1").want(t, 200)
	}
	first := post("a")
	if other := post("b"); other.header.Get("Idempotency-Replayed") != "" || other.body == first.body {
		t.Errorf("%s %s", first.body, other.body)
	}
	k.make("a: write * *", true)
	k.load()
	post("a").replays(t, first)
}

// lockedLog is a log that many goroutines write.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// No token is in a log or an answer, whatever is wrong with the request that has it.
func TestTokensAreNowhere(t *testing.T) {
	k := newKeys(t, "a: read,write * *")
	var log lockedLog
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, _, dial := tcpWith(t, Config{Tokens: k.tokens, Logger: logger})
	s.createTopic("news", "")
	secret := k.secrets["a"]
	for _, request := range []string{
		"GET /topics/news/records?access_token=" + secret + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /topics/news/records?access_token=" + secret + "&x=1 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
		"GET /topics?access_token=" + secret + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + "\r\n\r\n",
		"GET /nothing?access_token=" + secret + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + "\r\n\r\n",
		"GET /topics HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer " + secret + "\r\n\r\n",
		"GET /topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token " + secret + "\r\n\r\n",
		"GET /topics HTTP/9.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + "\r\n\r\n",
		"G\x00T /topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + "\r\n\r\n",
		"GET /topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + "x\r\n\r\n",
		"POST /topics/news/records HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret +
			"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{",
		"POST /topics/news/records HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret +
			"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"GET /topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret + strings.Repeat("\r\nX: "+strings.Repeat("x", 4000), 5) + "\r\n\r\n",
	} {
		a := exchange(t, dial, request)
		head, err := json.Marshal(a.header)
		if err != nil {
			t.Fatal(err)
		}
		if a.status < 400 || strings.Contains(a.body+string(head), secret[3:]) {
			t.Errorf("%.80q: %d %s %s", request, a.status, head, a.body)
		}
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if strings.Contains(log.text.String(), secret[3:]) {
		t.Errorf("the log shows the token: %s", log.text.String())
	}
}

// A body that is announced, or awaited, is not asked for from who may not send it.
func TestABodyIsNotAwaitedFromStrangers(t *testing.T) {
	k := newKeys(t, "reader: read * *", "writer: write * *")
	_, _, dial := tcpWith(t, Config{Tokens: k.tokens})
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, authorization := range []string{"", "Authorization: " + k.header("reader") + "\r\n"} {
		want := map[bool]int{true: 401, false: 403}[authorization == ""]
		head := "POST /topics/news/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + authorization
		for _, rest := range []string{
			"Content-Length: 16000000\r\n\r\n", "Content-Length: 16000000\r\n\r\n{", "Content-Length: 20\r\n\r\n{",
			"Content-Length: 20\r\nExpect: 100-continue\r\n\r\n", "Content-Length: 16000000\r\nExpect: 100-continue\r\n\r\n",
			"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		} {
			asking.Go(func() {
				begun := time.Now()
				c := dial(head + rest)
				defer c.Close()
				res, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
				if err != nil || res.StatusCode != want || time.Since(begun) > 5*time.Second {
					t.Errorf("%q: %v %v after %v", head+rest, res, err, time.Since(begun))
				}
			})
		}
	}
}

// FuzzBearer reads any header: what is taken is one token, which stands in it.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{"Bearer fq_x", "bearer  a b", "Bearer a,b", "Basic eA==", "Bearer", "", "BEARER \tx"} {
		f.Add([]byte(header))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		token := bearer(header)
		if token == nil {
			return
		}
		if len(token) == 0 || bytes.ContainsAny(token, " ,\t") || !bytes.HasSuffix(bytes.TrimRight(header, " "), token) ||
			!strings.EqualFold(string(header[:6]), "bearer") || header[6] != ' ' {
			t.Fatalf("%q of %q", token, header)
		}
	})
}

func BenchmarkAuthorize(b *testing.B) {
	k := newKeys(b, "a: write a.,b.,c. *")
	s := New(Config{Tokens: k.tokens})
	row := s.table[slices.IndexFunc(s.table, func(r route) bool { return r.pattern == producePattern && r.method == "POST" })]
	c := &call{names: pathNames{topic: "c.one"}}
	c.head.Authorization = []byte(k.header("a"))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.authorize(c, &row, nil); err != nil {
			b.Fatal(err)
		}
	}
}
