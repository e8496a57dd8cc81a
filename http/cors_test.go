package http

import (
	"bufio"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParseOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"http://localhost:3000":       "http://localhost:3000",
		"HTTPS://App.Example":         "https://app.example",
		"https://app.example:443":     "https://app.example",
		"http://app.example:80":       "http://app.example",
		"http://app.example:443":      "http://app.example:443",
		"http://[::1]:3000":           "http://[::1]:3000",
		"http://[::1]":                "http://[::1]",
		"http://127.0.0.1:8080":       "http://127.0.0.1:8080",
		"chrome-extension://abcdefgh": "chrome-extension://abcdefgh",
		"":                            "", "*": "", "null": "", "localhost:3000": "", "//localhost": "", "http://": "",
		"http://localhost:": "", "http://localhost:0": "", "http://localhost:99999": "", "http://localhost:080": "",
		"http://localhost/": "", "http://localhost:3000/app": "", "http://user@localhost": "", "http://*.example": "",
		"http://a b": "", "http://[::1": "", "http://[1.2.3.4]": "", "http://a;b": "", "http://localhost:3000?x": "",
	} {
		got, err := ParseOrigin(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

const page, stranger = "http://localhost:3000", "http://evil.example"

// sees checks what a page may see of an answer; listed says whether its origin is.
func (a answer) sees(t *testing.T, listed bool) {
	t.Helper()
	if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Origin") {
		t.Errorf("Vary: %s", vary)
	}
	want := ""
	if listed {
		want = page
	}
	if got := a.header.Get("Access-Control-Allow-Origin"); got != want || len(a.header.Values("Access-Control-Allow-Origin")) > 1 {
		t.Errorf("allowed for %q, want %q", got, want)
	}
	shown := a.header.Get("Access-Control-Expose-Headers")
	if strings.Contains(shown, "FlashQ-Position") != listed || strings.Contains(shown, "Retry-After") != listed {
		t.Errorf("exposed: %q", shown)
	}
	if a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("cookies are asked for")
	}
}

// oneRequest is a request over a raw connection: the line, headers, and a body.
func oneRequest(line, headers, body string) string {
	return line + " HTTP/1.1\r\nHost: flashq\r\nConnection: close\r\n" + headers + "\r\n" + body
}

// corsCases are answers of all kinds, errors from every layer included.
var corsCases = map[string]struct {
	request string
	status  int
}{
	"health":             {oneRequest("GET /health", "", ""), 200},
	"a fetch":            {oneRequest("GET /topics/news/records", "", ""), 200},
	"a fetch as lines":   {oneRequest("GET /topics/news/records", "Accept: application/x-ndjson\r\n", ""), 200},
	"a fetch of nothing": {oneRequest("GET /topics/news/records?from_offset=latest&max_records=1", "Accept: application/octet-stream\r\n", ""), 204},
	"a produce":          {oneRequest("POST /topics/news/records", jsonHead(oneRecord), oneRecord), 200},
	"a group":            {oneRequest("PUT /groups/g%d", "", ""), 201},
	"deleting":           {oneRequest("DELETE /groups/none", "", ""), 404},
	"no such topic":      {oneRequest("GET /topics/none", "", ""), 404},
	"no such route":      {oneRequest("GET /no/such", "", ""), 404},
	"a method":           {oneRequest("PATCH /topics/news", "", ""), 405},
	"a parameter":        {oneRequest("GET /topics/news/records?max_record=1", "", ""), 400},
	"bad JSON":           {oneRequest("POST /topics/news/records", jsonHead("{"), "{"), 400},
	"no type":            {oneRequest("POST /topics/news/records", "Content-Length: 2\r\n", "{}"), 415},
	"an answer's form":   {oneRequest("GET /topics/news", "Accept: image/png\r\n", ""), 406},
	"too large, unsent":  {oneRequest("POST /topics/news/records", "Content-Type: application/json\r\nContent-Length: 99999999\r\n", ""), 413},
	"a type, unsent":     {oneRequest("POST /topics/news/records", "Content-Type: image/png\r\nContent-Length: 99999\r\n", ""), 415},
	"told to wait":       {oneRequest("POST /topics/news/records", "Content-Type: image/png\r\nExpect: 100-continue\r\nContent-Length: 9\r\n", ""), 415},
}

func jsonHead(body string) string {
	return fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
}

func TestAPageOfAListedOriginSeesEveryAnswer(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Origins: []string{"http://other.example", page}})
	f.produce("/topics/news/records", oneOf("a"))
	n := 0
	for name, test := range corsCases {
		t.Run(name, func(t *testing.T) {
			for _, origin := range []string{page, stranger, ""} {
				if origin == stranger && slices.Contains([]string{"a produce", "a group", "deleting", "bad JSON"}, name) {
					continue // that is the guard's: TestOriginGuardOfListedOrigins
				}
				n++
				request := strings.Replace(test.request, "g%d", fmt.Sprint("g", n), 1)
				if origin != "" {
					request = strings.Replace(request, "\r\n", "\r\nOrigin: "+origin+"\r\n", 1)
				}
				a := f.raw(request)
				if want := test.status; a.status != want && origin != stranger {
					t.Errorf("status %d, want %d: %s", a.status, want, a.body)
				}
				a.sees(t, origin == page)
			}
		})
	}
}

func oneOf(value string) string { return `{"value":"` + value + `"}` }

// Without the flag nothing is said of other origins, to nobody.
func TestWithoutListedOriginsNothingIsSaid(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	for name, test := range corsCases {
		a := f.raw(strings.Replace(strings.Replace(test.request, "g%d", "g", 1), "\r\n", "\r\nOrigin: "+page+"\r\n", 1))
		for header := range a.header {
			if strings.HasPrefix(header, "Access-Control-") {
				t.Errorf("%s: %s", name, header)
			}
		}
		if strings.Contains(a.header.Get("Vary"), "Origin") {
			t.Errorf("%s: varies by origin", name)
		}
	}
	f.do("OPTIONS", "/topics", "", "Origin", page, "Access-Control-Request-Method", "GET").want(t, 204)
	f.do("OPTIONS", "/no/such", "", "Origin", page, "Access-Control-Request-Method", "GET").want(t, 404)
}

func TestStreamsTellPagesOfListedOrigins(t *testing.T) {
	f := start(t, Config{Origins: []string{page}})
	f.produce("/topics/news/records", oneOf("a"))
	for _, accept := range []string{"text/event-stream", "application/x-ndjson"} {
		for _, origin := range []string{page, stranger} {
			c, err := f.ln.Dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, oneRequest("GET /topics/news/records?follow=true",
				"Accept: "+accept+"\r\nOrigin: "+origin+"\r\n", "")); err != nil {
				t.Fatal(err)
			}
			res, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer{status: res.StatusCode, header: res.Header}.want(t, 200).sees(t, origin == page)
		}
	}
}

func TestPreflights(t *testing.T) {
	f := start(t, Config{Origins: []string{page}, Tokens: newKeys(t, "a: read * *").tokens})
	for _, test := range []struct {
		path, origin, method, headers string
		status                        int
		methods                       string
	}{
		{"/topics", page, "GET", "", 204, "GET HEAD OPTIONS"},
		{"/topics/news/records", page, "POST", "content-type, idempotency-key,authorization", 204, "GET HEAD OPTIONS POST"},
		{"/topics/news", page, "DELETE", "", 204, "DELETE GET HEAD OPTIONS PUT"},
		{"/health", page, "DELETE", "", 204, "GET HEAD OPTIONS"}, // a browser sees that DELETE is none of them
		{"/no/such", page, "GET", "x-a", 204, "DELETE GET HEAD POST PUT"},
		{"/topics", stranger, "GET", "x-a", 204, ""},
		{"/topics", "null", "GET", "", 204, ""},
		{"/topics", page, "", "", 204, ""}, // no preflight: a program's question
		{"/topics", "", "GET", "", 204, ""},
		{"/no/such", stranger, "GET", "", 404, ""},
		{"/no/such", page, "", "", 404, ""},
	} {
		var headers []string
		for name, value := range map[string]string{"Origin": test.origin, "Access-Control-Request-Method": test.method,
			"Access-Control-Request-Headers": test.headers} {
			if value != "" {
				headers = append(headers, name, value)
			}
		}
		a := f.do("OPTIONS", test.path, "", headers...).want(t, test.status)
		a.sees(t, test.origin == page)
		methods := strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", ")
		slices.Sort(methods)
		if got := strings.Join(methods, " "); got != test.methods {
			t.Errorf("%+v: methods %s", test, got)
		}
		wantHeaders, wantAge := "", ""
		if test.methods != "" {
			wantHeaders, wantAge = test.headers, "7200"
		}
		if got := a.header.Get("Access-Control-Allow-Headers"); got != wantHeaders {
			t.Errorf("%+v: headers %s", test, got)
		}
		if got := a.header.Get("Access-Control-Max-Age"); got != wantAge {
			t.Errorf("%+v: age %s", test, got)
		}
	}
	// What comes after it needs a token, and says so to the page.
	a := f.get("/topics", "Origin", page)
	a.wantError(t, 401, "unauthorized")
	a.sees(t, true)
}

func TestOriginGuardOfListedOrigins(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Origins: []string{page}})
	f.produce("/topics/news/records", oneOf("a"))
	asks := map[string]string{ // what a page may ask for only of a listed origin, or of the broker's own
		"produce":        oneRequest("POST /topics/news/records", jsonHead(oneRecord), oneRecord),
		"text":           oneRequest("POST /topics/news/records", "Content-Type: text/plain\r\nContent-Length: 1\r\n", "x"),
		"create":         oneRequest("PUT /topics/news", "", ""),
		"a large body":   oneRequest("POST /topics/news/records", "Content-Type: application/json\r\nContent-Length: 9999999\r\n", ""),
		"for a group":    oneRequest("GET /topics/news/records?group=g", "", ""),
		"encoded":        oneRequest("GET /topics/news/records?%67roup=g", "", ""),
		"a member":       oneRequest("GET /topics/news/records?group=g&member=m", "", ""),
		"ack":            oneRequest("GET /topics/news/records?group=g&ack=0:0", "", ""),
		"a group stream": oneRequest("GET /topics/news/records?group=g", "Accept: text/event-stream\r\n", ""),
		"an alias":       oneRequest("GET /consumer/g/topic/news/record/offset", "", ""),
	}
	for name, ask := range asks {
		for headers, refused := range map[string]bool{
			"Origin: http://evil.example\r\n":                                true,
			"Origin: http://localhost:3001\r\n":                              true,
			"Origin: http://localhost:3000.evil.example\r\n":                 true,
			"Origin: null\r\n":                                               true,
			"Origin: *\r\n":                                                  true,
			"Sec-Fetch-Site: cross-site\r\n":                                 true,
			"Sec-Fetch-Site: same-site\r\n":                                  true,
			"Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n": true,
			"Sec-Fetch-Site: none\r\n":                                       false,
			"Origin: http://flashq\r\n":                                      false,
			"Origin: http://localhost:3000\r\n":                              false,
			"Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n": false,
			"": false,
		} {
			if !refused && (name == "a large body" || name == "a group stream") {
				continue // whose answers do not end, or begin
			}
			c, err := f.ln.Dial()
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(c, strings.Replace(ask, "\r\n", "\r\n"+headers, 1)) }()
			if refused {
				readAnswer(t, bufio.NewReader(c)).wantError(t, 403, "origin_not_allowed")
				c.Close()
				continue
			}
			line, err := bufio.NewReader(c).ReadString('\n')
			if err != nil || strings.Contains(line, " 403 ") {
				t.Errorf("%s, %q: %s %v", name, headers, line, err)
			}
			c.Close()
		}
	}
	f.do("HEAD", "/topics/news", "", "Origin", page).want(t, 200).sees(t, true)
	// Reading is what a page of any site may try: it does not see the answer.
	f.get("/topics/news/records", "Origin", stranger).want(t, 200).sees(t, false)
}

func TestARefusedOriginIsToldTheCure(t *testing.T) {
	f := start(t, Config{})
	for origin, cure := range map[string]string{
		"http://localhost:3000":  "--cors-origin http://localhost:3000",
		"https://elsewhere:443":  "--cors-origin https://elsewhere",
		"null":                   "",
		"http://x;rm -rf /":      "",
		"http://localhost:3000/": "",
	} {
		a := f.do("PUT", "/topics/x", "", "Origin", origin)
		a.wantError(t, 403, "origin_not_allowed")
		if strings.Contains(a.body, "--cors-origin") != (cure != "") || !strings.Contains(a.body, cure) {
			t.Errorf("%s: %s", origin, a.body)
		}
	}
}

// A record's own headers are seen, too, whatever their names.
func TestAPageSeesARecordsHeaders(t *testing.T) {
	f := start(t, Config{Origins: []string{page}})
	f.produce("/topics/news/records", `{"value":"a","headers":{"trace":"1","Kind-Of":"2"}}`)
	a := f.get("/topics/news/records?max_records=1", "Accept", "application/octet-stream", "Origin", page).want(t, 200)
	shown := strings.Split(a.header.Get("Access-Control-Expose-Headers"), ", ")
	for name := range a.header {
		if strings.HasPrefix(strings.ToLower(name), "flashq-") && !slices.ContainsFunc(shown, func(s string) bool { return strings.EqualFold(s, name) }) {
			t.Errorf("%s is not exposed: %s", name, shown)
		}
	}
	if !slices.ContainsFunc(shown, func(s string) bool { return strings.EqualFold(s, "FlashQ-Header-Trace") }) {
		t.Error(shown)
	}
}

// Every header of our own that some answer has is one that pages see.
func TestEveryHeaderIsExposed(t *testing.T) {
	ours := regexp.MustCompile(`"(FlashQ-[A-Za-z0-9-]*[A-Za-z0-9]|Idempotency-Replayed|Retry-After)"`)
	found := 0
	for _, pattern := range []string{"*.go", "*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ours.FindAllSubmatch(text, -1) {
				found++
				if !slices.Contains(strings.Split(exposed, ", "), string(m[1])) {
					t.Errorf("%s: %s is not exposed", name, m[1])
				}
			}
		}
	}
	if found < 14 {
		t.Errorf("only %d headers were found", found)
	}
}
