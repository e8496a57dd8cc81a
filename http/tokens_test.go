package http

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	nethttp "net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flashq/auth"
)

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
	k := newKeys(t, "a: read,write * g", "b: read b *", "all: read * *")
	f := start(t, Config{Tokens: k.tokens})
	f.as(k, "a", "POST", "/topics/news/records", `{"records":[{"value":"x"}]}`).want(t, 200)
	in := "?access_token=" + k.secrets["a"]
	f.stream(sse, "/topics/news/records"+in+"&from_offset=0").wantEvent("retry: 2000|id: 0:0")
	f.do("HEAD", "/topics/news/records"+in, "", "Accept", sse).want(t, 200)
	f.get("/topics/news/records?access_token="+k.secrets["b"], "Accept", sse).wantError(t, 403, "forbidden")
	f.get("/topics/news/records?access_token=x", "Accept", sse).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records?access_token=", "Accept", sse).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records"+in+"&access_token=x", "Accept", sse).wantError(t, 400, "invalid_parameter")
	if a := f.get("/topics/news/records" + in); !strings.Contains(a.body, "streams of events alone") {
		t.Errorf("it is not said where the parameter belongs: %s", a.body)
	}
	f.get("/topics/news/records"+in).wantError(t, 401, "unauthorized")
	f.get("/topics/news/records"+in+"&follow=true", "Accept", lines).wantError(t, 401, "unauthorized")
	f.get("/topics"+in, "Accept", sse).wantError(t, 401, "unauthorized")
	f.do("POST", "/topics/news/records"+in, `{"records":[]}`, "Content-Type", "application/json", "Accept", sse).
		wantError(t, 401, "unauthorized")
	f.as(k, "a", "GET", "/topics/news/records"+in, "").wantError(t, 400, "invalid_parameter")
	f.as(k, "a", "GET", "/topics/news/records"+in, "", "Accept", sse).wantError(t, 400, "invalid_parameter")
	f.as(k, "a", "GET", "/topics"+in, "").wantError(t, 400, "invalid_parameter")
	f.get("/stats"+in, "Accept", sse).wantError(t, 403, "forbidden") // which is for who may read everything
	f.get("/stats"+in).wantError(t, 401, "unauthorized")
	f.as(k, "all", "GET", "/stats"+in, "").wantError(t, 400, "invalid_parameter")
	f.stream(sse, "/stats?access_token="+k.secrets["all"]).line()
	open := start(t, Config{}) // where nobody needs a token, a page that sends one is served, too
	open.createTopic("news", "")
	open.stream(sse, "/topics/news/records?access_token=x").wantEvent("retry: 2000|id: 0:0")
	open.get("/topics/news/records?access_token=x").wantError(t, 400, "invalid_parameter")
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
	if took := time.Since(begun); took > 10*time.Second { // without its token it would go on
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
	f, _, dial := tcpWith(t, Config{Tokens: k.tokens, Logger: logger, AccessLog: logger, SlowRequest: 1})
	f.createTopic("news", "")
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
		"GET /nothing HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: " + secret + "\r\n\r\n",
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
	for _, what := range []string{"msg=request", "slow"} {
		eventually(t, "the log has "+what, func() bool { return strings.Contains(log.String(), what) })
	}
	if strings.Contains(log.String(), secret[3:]) {
		t.Errorf("the log shows the token: %s", log.String())
	}
	if page := exchange(t, dial, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); strings.Contains(page.body, secret[3:]) {
		t.Error("a metric shows the token")
	}
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
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

// Who asks is found out on every request, so it allocates nothing, with tokens or without.
func TestAuthorizeAllocatesNothing(t *testing.T) {
	k := newKeys(t, "a: write a.,b.,c. *")
	for _, tokens := range []*auth.Tokens{nil, k.tokens} {
		ask := authorizing(t, k, tokens)
		if n := testing.AllocsPerRun(100, ask); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// authorizing gives what is done about tokens for one produce.
func authorizing(t testing.TB, k *keys, tokens *auth.Tokens) func() {
	s := New(Config{Tokens: tokens})
	row := s.table.find("POST", "/topics/c.one/records")
	c := &call{names: pathNames{topic: "c.one"}}
	c.head.Authorization = []byte(k.header("a"))
	return func() {
		if err := s.authorize(c, row, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	k := newKeys(b, "a: write a.,b.,c. *")
	ask := authorizing(b, k, k.tokens)
	for b.Loop() {
		ask()
	}
}
