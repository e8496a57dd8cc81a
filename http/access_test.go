package http

import (
	"bufio"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"path/filepath"
	"strings"
	"testing"

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
	for _, protect := range []bool{false, true} { // which is about /metrics alone
		_, s, dial := tcpWith(t, Config{Tokens: k.tokens, ProtectMetrics: protect})
		for i := range s.table {
			everyCaller(t, k, dial, &s.table[i])
		}
	}
}

// rights are the scopes of the tokens that TestEveryRouteAsksForItsScope has; the others are none.
var rights = map[string]string{
	"reader": "read", "writer": "write", "admin": "read write admin", "both": "read write",
	"other-topics": "read write admin", "other-groups": "read write admin",
}

// refusal is the status that a route has for a caller; 0: it is served.
func refusal(row *route, name string) int {
	switch {
	case row.scope == auth.Open:
		return 0
	case rights[name] == "":
		return 401
	case row.scope == auth.ReadAll && name != "both",
		!strings.Contains(rights[name], row.scope.String()),
		strings.Contains(row.pattern, "{topic}") && name == "other-topics",
		strings.Contains(row.pattern, "{group}") && name == "other-groups":
		return 403
	}
	return 0
}

// everyCaller sends a route what every kind of caller would.
func everyCaller(t *testing.T, k *keys, dial func(string) net.Conn, row *route) {
	t.Helper()
	if row.scope == 0 {
		t.Errorf("%s %s has no scope", row.method, row.pattern)
	}
	methods := []string{row.method}
	if row.method == "GET" {
		methods = append(methods, "HEAD")
	}
	for _, method := range methods {
		for _, name := range []string{
			"none", "wrong", "revoked", "other-topics", "other-groups", "reader", "writer", "both", "admin",
		} {
			path := strings.NewReplacer("{topic}", "a.one", "{group}", "g.one", "{member}", "m").Replace(row.pattern)
			head := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
			challenge := `Bearer error="invalid_token"`
			switch name {
			case "none":
				challenge = "Bearer"
			case "wrong":
				head += "Authorization: Bearer fq_" + strings.Repeat("x", 43) + "\r\n"
			default:
				head += "Authorization: " + k.header(name) + "\r\n"
			}
			if row.bodies != nil {
				head += "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
			} else {
				head += "\r\n"
			}
			a, status := askOnce(t, dial, method, head), refusal(row, name)
			about := fmt.Sprintf("%s %s as %s: %d %s", method, path, name, a.status, a.body)
			switch {
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

// Metrics name every topic and group, so who asks for them has to be good for all, where anybody has to be.
func TestMetricsAskForATokenIfToldTo(t *testing.T) {
	k := newKeys(t, "all: read * *", "some: read,write a. *", "admin: admin * *", "writer: write * *")
	for protect, statuses := range map[bool][]int{false: {200, 200, 200, 200, 200}, true: {401, 403, 403, 200, 200}} {
		f := start(t, Config{Tokens: k.tokens, ProtectMetrics: protect})
		f.as(k, "admin", "PUT", "/topics/b.one", "").want(t, 201)
		f.as(k, "admin", "POST", "/groups/g/offsets", `{"offsets":[{"topic":"b.one","partition":0,"offset":0}]}`).want(t, 200)
		for i, who := range []string{"", "some", "writer", "all", "admin"} {
			a := f.get("/metrics", "Authorization", k.header(who))
			if who == "" {
				a = f.get("/metrics")
			}
			if a.status != statuses[i] {
				t.Errorf("protected %v, %q: %d", protect, who, a.status)
			}
			shows := strings.Contains(a.body, `topic="b.one"`) && strings.Contains(a.body, `group="g"`)
			if shows != (a.status == 200) {
				t.Errorf("protected %v, %q: %s", protect, who, a.body)
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
