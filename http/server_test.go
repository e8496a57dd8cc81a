package http

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestRequestIDs(t *testing.T) {
	f := start(t, Config{})
	first := f.get("/health").header.Get("FlashQ-Request-Id")
	second := f.get("/health").header.Get("FlashQ-Request-Id")
	if first == "" || first == second {
		t.Errorf("%q then %q", first, second)
	}
	mine := "trace 42/" + strings.Repeat("x", 119)
	if got := f.get("/nowhere", "X-Request-Id", mine).header.Get("FlashQ-Request-Id"); got != mine {
		t.Errorf("%q was not echoed: %q", mine, got)
	}
	for _, bad := range []string{mine + "x", "tab\tbed", "\xc3\xbc", "fq_x", "Bearer fq_x"} {
		if got := f.get("/health", "X-Request-Id", bad).header.Get("FlashQ-Request-Id"); got == bad || got == "" {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestAnswersOfTopicsAreNotCached(t *testing.T) {
	f := start(t, Config{})
	for _, path := range []string{"/topics", "/topics/none", "/topics/none/records", "/groups", "/groups/g/offsets", "/consumer/g/topic/t/offset"} {
		h := f.get(path).header
		if h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Accept, Accept-Encoding" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if h := f.get("/health").header; h.Get("Server") != "" {
		t.Errorf("the server names itself: %v", h)
	}
}

func TestRoutes(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	f.get("/nowhere").wantError(t, 404, "not_found")
	f.get("/%20").wantError(t, 404, "not_found")
	f.get("/topics/").wantError(t, 404, "not_found")
	f.get("/groups/g/members").wantError(t, 404, "not_found")
	for path, allow := range map[string]string{
		"/topics":              "GET, HEAD, OPTIONS",
		"/topics/news":         "DELETE, GET, HEAD, OPTIONS, PUT",
		"/topics/news/records": "GET, HEAD, OPTIONS, POST",
		"/topics/news/offsets": "GET, HEAD, OPTIONS",
		"/groups/g/offsets":    "GET, HEAD, OPTIONS, POST",
		"/groups/g/members/m":  "DELETE, OPTIONS, PUT",
		"/consumer/g":          "DELETE, OPTIONS, POST",
		"/health":              "GET, HEAD, OPTIONS",
	} {
		a := f.do("PATCH", path, "")
		a.wantError(t, 405, "method_not_allowed")
		if got := a.header.Get("Allow"); got != allow {
			t.Errorf("%s allows %q, want %q", path, got, allow)
		}
		options := f.do("OPTIONS", path, "").want(t, 204)
		if got := options.header.Get("Allow"); got != allow || options.body != "" {
			t.Errorf("OPTIONS %s: %q %q", path, got, options.body)
		}
	}
	for _, path := range []string{
		"/topics", "/topics/news", "/topics/news/records", "/topics/news/offsets", "/health", "/ready",
	} {
		if a := f.do("HEAD", path, "").want(t, 200); a.body != "" || a.header.Get("Content-Length") == "0" {
			t.Errorf("HEAD %s: %q %v", path, a.body, a.header)
		}
	}
}

func TestPanicIsOneRequestsEnd(t *testing.T) {
	var log bytes.Buffer
	f := start(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	good := f.s.route
	f.s.route = func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/boom" {
			panic("secret")
		}
		good(ctx)
	}
	a := f.get("/boom")
	a.wantError(t, 500, "internal_error")
	if strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") {
		t.Error(a.body)
	}
	if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "server_test.go") {
		t.Error("the log has neither reason nor stack:", log.String())
	}
	f.get("/health").want(t, 200)
}

func TestHealthAndReady(t *testing.T) {
	f := start(t, Config{Version: "1.2.3"})
	f.createTopic("news", "")
	var health struct {
		Status, Service, Timestamp, Version string
		UptimeMs                            *int64 `json:"uptime_ms"`
		Topics                              int    `json:"topics_count"`
		Groups                              *int   `json:"consumer_groups_count"`
	}
	f.get("/health").want(t, 200).decode(t, &health)
	if health.Status != "healthy" || health.Service != "flashq" || health.Version != "1.2.3" || health.Topics != 1 ||
		health.UptimeMs == nil || health.Groups == nil || !strings.HasSuffix(health.Timestamp, "Z") {
		t.Errorf("%+v", health)
	}
	if got := f.get("/ready").want(t, 200).body; got != `{"status":"ready"}` {
		t.Error(got)
	}
	if err := f.broker.Close(); err != nil {
		t.Fatal(err)
	}
	a := f.get("/ready")
	a.wantError(t, 503, "draining")
	if !strings.Contains(a.body, `"reason":"draining"`) || a.header.Get("Retry-After") == "" {
		t.Error(a.body, a.header)
	}
}

func TestDrainRefusesWritesAndServesReads(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	f.s.Drain()
	f.s.Drain() // twice is once
	f.get("/ready").wantError(t, 503, "draining")
	f.post("/topics/news/records", oneRecord).wantError(t, 503, "draining")
	f.do("PUT", "/topics/more", "").wantError(t, 503, "draining")
	f.do("DELETE", "/topics/news", "").wantError(t, 503, "draining")
	if got := f.fetch("/topics/news/records").values(); got != "a" {
		t.Error(got)
	}
	f.get("/health").want(t, 200)
}

// When patience ends, calls that still wait for the broker are cut off instead of keeping the process alive.
func TestShutdownCutsOffAtItsDeadline(t *testing.T) {
	f := start(t, Config{})
	inside, leave := make(chan struct{}), make(chan struct{})
	f.s.route = func(*fasthttp.RequestCtx) {
		close(inside)
		<-f.s.life.calls.Done()
		<-leave
	}
	answered := make(chan int)
	go func() { answered <- f.do("HEAD", "/health", "").status }()
	<-inside
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.s.Shutdown(ctx); err == nil {
		t.Error("Shutdown did not tell that a handler was left")
	}
	close(leave)
	<-answered
	if err := f.s.life.calls.Err(); err == nil {
		t.Error("calls go on")
	}
}
