package http

import (
	"bufio"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"
)

// says fails the test unless an error has all of the words.
func (a answer) says(t *testing.T, status int, code string, words ...string) {
	t.Helper()
	a.wantError(t, status, code)
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			t.Errorf("%q is not in %s", w, a.body)
		}
	}
}

// A typo of a name is told, with what was probably meant.
func TestUnknownNamesSayWhatWasMeant(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	for query, meant := range map[string]string{
		"max_record=5": "max_records", "limit=5": "max_records", "offset=5": "from_offset", "since=-5m": "from_time",
	} {
		f.get("/topics/news/records?"+query).says(t, 400, "invalid_parameter", "did you mean '"+meant+"'? Allowed: from_offset,")
	}
	if a := f.get("/topics/news/records?x=1"); strings.Contains(a.body, "did you mean") {
		t.Error("guesses:", a.body)
	}
	f.get("/health?verbose=1").says(t, 400, "invalid_parameter", "this route takes none")
	json := func(method, path, body string) answer {
		return f.do(method, path, body, "Content-Type", "application/json")
	}
	for _, c := range []struct {
		method, path, body, says string
	}{
		{"PUT", "/topics/more", `{"partition":3}`, "Unknown member 'partition'; did you mean 'partitions'?"},
		{"PUT", "/groups/g", `{"begin":"latest"}`, "Unknown member 'begin'"},
		{"PUT", "/groups/g/members/m", `{"topic":["news"]}`, "did you mean 'topics'?"},
		{"POST", "/groups/g/offsets", `{"offset":[]}`, "did you mean 'offsets'?"},
		{"POST", "/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"ofset":1}]}`,
			"offsets[0]: Unknown member 'ofset'; did you mean 'offset'?"},
		{"POST", "/topics/news/records", `{"records":[{"value":1}],"partition":0}`, "the body has no member"},
	} {
		json(c.method, c.path, c.body).says(t, 400, "validation_error", strings.ReplaceAll(c.says, `"`, `\"`))
	}
	json("POST", "/topics/news/records", `{"records":[{"value":1,"header":{}}]}`).
		says(t, 422, "record_validation_error", "did you mean 'headers'?")
	f.get("/topics/more").wantError(t, 404, "topic_not_found")
	f.get("/groups").wantBody(t, `{"groups":[]}`)
	if v := f.fetch("/topics/news/records").values(); v != "" {
		t.Errorf("stored %q", v)
	}
}

func (a answer) wantBody(t *testing.T, want string) {
	t.Helper()
	if a.status != 200 || a.body != want {
		t.Errorf("%d %s, want %s", a.status, a.body, want)
	}
}

// A route that was missed by little is named.
func TestMissedRoutesAreNamed(t *testing.T) {
	f := start(t, Config{})
	for path, near := range map[string]string{
		"/topics/": "/topics", "/topics/x/record": "/topics/{topic}/records", "/topics/x/records/": "/topics/{topic}/records",
		"/topic": "/topics", "/healthz": "/health", "/groups/g/member/m": "/groups/{group}/members/{member}",
		"/Topics/x/offsets": "/topics/{topic}/offsets",
	} {
		f.get(path).says(t, 404, "not_found", "; did you mean '"+near+"'?")
	}
	for _, path := range []string{"/a/b/c/d/e/f/g", "/kafka", "/" + strings.Repeat("x", 5000), "/topics/x/subscriptions"} {
		if a := f.get(path); a.status != 404 || strings.Contains(a.body, "did you mean") {
			t.Errorf("%.40s: %s", path, a.body)
		}
	}
	f.post("/topics", `{}`).says(t, 405, "method_not_allowed", "to make a topic: PUT /topics/{topic}")
	f.get("/topics/nope").says(t, 404, "topic_not_found", "it is made by its first record, or PUT /topics/nope")
}

func TestIndexNamesTheRoutes(t *testing.T) {
	f := start(t, Config{Version: "1.2.3"})
	var index struct {
		Name, Version string
		Routes        []struct{ Route, Does string }
	}
	f.get("/").want(t, 200).decode(t, &index)
	if index.Name != "flashq" || index.Version != "1.2.3" || len(index.Routes) < 15 {
		t.Errorf("%+v", index)
	}
	for _, r := range index.Routes {
		if r.Does == "" || strings.Contains(r.Route, "/consumer") {
			t.Errorf("%+v", r)
		}
	}
}

// An answer of JSON ends its line, so that a shell's prompt stands on one of its own.
func TestJSONEndsItsLine(t *testing.T) {
	f := start(t, Config{})
	for _, request := range []string{
		post(fmt.Sprintf("Content-Length: %d\r\n", len(oneRecord))) + oneRecord,
		"GET /topics/news/records HTTP/1.1\r\nHost: flashq\r\n\r\n", "GET /health HTTP/1.1\r\nHost: flashq\r\n\r\n",
		"GET /nowhere HTTP/1.1\r\nHost: flashq\r\n\r\n",
	} {
		c, err := f.ln.Dial()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(c, request) }()
		res, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasSuffix(string(text), "}\n") || strings.Count(string(text), "\n") != 1 {
			t.Errorf("%q: %v", text, err)
		}
		res.Body.Close()
		c.Close()
	}
}

// Clients of FlashQ in Rust send more than is known here.
func TestAliasesIgnoreUnknownMembers(t *testing.T) {
	f := start(t, Config{})
	json := func(path, body string) answer { return f.do("POST", path, body, "Content-Type", "application/json") }
	json("/topic/news/record", `{"records":[{"value":"a","id":7}],"ack":"all"}`).want(t, 200)
	json("/consumer/g", `{"group_id":"g","x":1}`).want(t, 200)
	json("/consumer/g/topic/news/offset", `{"offset":1,"group_id":"g"}`).want(t, 200)
	json("/topics/news/records", `{"records":[{"value":"a","id":7}]}`).wantError(t, 422, "record_validation_error")
}

// A number that would silently mean 1970 is refused, and says what was meant.
func TestTimesThatAreRatherSomethingElse(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a","timestamp":"2026-01-15T10:00:00Z"}`, `{"value":"b","timestamp":"2026-01-16T00:00:00Z"}`)
	for _, path := range []string{"/topics/news/records?from_time=", "/topics/news/records?to_time=", "/topics/news/offsets?at="} {
		f.get(path+"1736937045").says(t, 400, "invalid_parameter", "looks like seconds; in milliseconds: 1736937045000")
		f.get(path+"-5").says(t, 400, "invalid_parameter", "has no unit", "-5m")
	}
	f.do("POST", "/groups/g/offsets", `{"offsets":[{"topic":"news","at":-5}]}`, "Content-Type", "application/json").
		says(t, 400, "validation_error", "has no unit")
	f.do("POST", "/groups/g/offsets", `{"offsets":[{"topic":"news","at":"1736937045"}]}`, "Content-Type", "application/json").
		says(t, 400, "validation_error", "looks like seconds")
	if got := f.fetch("/topics/news/records?from_time=2026-01-16").values(); got != "b" {
		t.Errorf("from a date: %q", got)
	}
	if got := f.fetch("/topics/news/records?from_time=0").values(); got != "a b" {
		t.Errorf("from 0: %q", got)
	}
}

// A client's loop begins with what it has: nothing.
func TestEmptyPositionAndAckAreNone(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	for _, query := range []string{"position=", "position=&from_offset=0", "group=g&ack=", "ack="} {
		if got := f.fetch("/topics/news/records?" + query).values(); got != "a" {
			t.Errorf("%s: %q", query, got)
		}
	}
}
