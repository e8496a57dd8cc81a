package hostile

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
)

var secretForm = regexp.MustCompile(`fq_[A-Za-z0-9_-]+`)

// newToken has the command line make one.
func newToken(t *testing.T, file, name, scope string) string {
	t.Helper()
	out, err := exec.Command(instance.Binary(), "token", "create", name, "--auth-file", file, "--scope", scope).Output()
	secret := secretForm.FindString(string(out))
	if err != nil || secret == "" {
		t.Fatalf("token create: %v: %s", err, out)
	}
	return secret
}

// What is no token lets nobody in, wherever it stands, and is written down nowhere.
func TestTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens.json")
	root, reader := newToken(t, file, "root", "admin"), newToken(t, file, "reader", "read")
	const wrong = "fq_wrong0123456789"
	bearer := "Authorization: Bearer "
	broker := instance.Start(t, "--auth-file="+file, "--access-log=-", "--log-level=debug")
	no := func(name string, headers ...string) row {
		return row{name: name, send: get("/topics", headers...), status: 401, code: "unauthorized"}
	}
	off := func(name, request string) row {
		return row{name: name, send: request, status: 401, code: "unauthorized"}
	}
	const events = "Accept: " + typeEvents
	hidden := with("POST", records, "text/plain", "smuggled", bearer+root)
	hitAs(t, broker, bearer+root, []row{
		no("none"),
		no("a wrong one", bearer+wrong),
		no("no scheme", "Authorization: "+root),
		no("a scheme alone", "Authorization: Bearer"),
		no("a scheme and blanks", "Authorization: Bearer    "),
		no("an empty header", "Authorization:"),
		no("another scheme", "Authorization: Basic "+root),
		no("a scheme that begins well", "Authorization: BearerX "+root),
		no("a colon after the scheme", "Authorization: Bearer: "+root),
		no("a tab after the scheme", "Authorization: Bearer\t"+root),
		no("two in one", bearer+root+" "+root),
		no("two in a list", bearer+root+", Bearer "+root),
		no("a wrong one and a right one", bearer+wrong, bearer+root),
		no("a right one and a wrong one", bearer+root, bearer+wrong),
		no("the right one twice", bearer+root, bearer+root),
		no("in quotes", bearer+`"`+root+`"`),
		no("all but a letter", bearer+root[:len(root)-1]),
		no("a letter more", bearer+root+"A"),
		no("the other case", bearer+strings.ToUpper(root)),
		no("without what it begins with", bearer+strings.TrimPrefix(root, "fq_")),
		no("what it begins with", bearer+"fq_"),
		no("one of 15 KB", bearer+strings.Repeat("a", 15<<10)),
		no("letters from abroad", bearer+"fq_ü"),
		no("in another header", "X-Authorization: Bearer "+root),
		no("for a proxy", "Proxy-Authorization: Bearer "+root),
		no("in a cookie", "Cookie: access_token="+root),
		off("in the query", get("/topics?access_token="+root)),
		off("in a fetch's query", get(records+"?access_token="+root)),
		off("in the query of lines", get(records+"?follow=true&access_token="+root, "Accept: "+typeLines)),
		off("in a produce's query", with("POST", records+"?access_token="+root, "text/plain", "x")),
		off("a wrong one in a stream's query", get(records+"?access_token="+wrong, events)),
		off("an empty one in a stream's query", get(records+"?access_token=", events)),
		off("a wrong one beside a right one", get(records+"?access_token="+root, events, bearer+wrong)),
		off("as the target's user", get("http://"+root+"@localhost/topics")),
		off("in the path", get("/topics/"+root+"/records")),
		off("none, and a body", with("POST", records, "text/plain", strings.Repeat("x", 1<<20))),
		off("none, and a request in the body", with("POST", records, "text/plain", hidden)),
		off("none, and 100 is waited for", framed("Expect: 100-continue\r\nContent-Length: 27\r\n", "")),
		off("none, and a topic that is not there", get("/topics/none")),
		off("none, and a group that is not there", get("/groups/none")),
		off("none, and a query that is bad", get("/topics?limt=5")),
		off("none, and a commit", with("POST", "/groups/g/offsets", typeJSON, `{"offsets":[{"topic":"news","offset":0}]}`)),
		off("none, and a deletion", bodiless("DELETE", "/topics/news")),
		off("none, and an alias", get("/consumer/g/topic/news/offset")),
		{name: "NUL in one", send: get("/topics", bearer+root+"\x00"), status: 400, code: "invalid_request"},
		{name: "a header that goes on", send: get("/topics", "Authorization: Bearer", " "+root), status: 400, code: "invalid_request"},
		{name: "two in a stream's query", send: get(records+"?access_token="+root+"&access_token="+root, events), status: 400, code: "invalid_parameter"},
		{name: "one that may not write", send: with("POST", records, "text/plain", "x", bearer+reader), status: 403, code: "forbidden"},
		{name: "one that may not delete", send: bodiless("DELETE", "/topics/news", bearer+reader), status: 403, code: "forbidden"},
		{name: "one that may not force", send: bodiless("DELETE", "/groups/g?force=true", bearer+reader), status: 403, code: "forbidden"},
		{name: "a small scheme", send: get("/topics", "authorization: bearer "+reader), status: 200},
		{name: "the right one", send: with("POST", records, "text/plain", "x", bearer+root), status: 200, stores: 1},
		{name: "none, where none is needed", send: get("/health"), status: 200},
	})
	end(t, broker)
	for _, token := range []string{root, reader, wrong, strings.TrimPrefix(root, "fq_")} {
		if strings.Contains(strings.ToLower(broker.Log()), strings.ToLower(token)) {
			t.Errorf("a token is in the log, %s of it", token[:5])
		}
	}
}
