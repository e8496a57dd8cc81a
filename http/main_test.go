package http

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/goleak"

	"flashq/actor"
	"flashq/broker"
	"flashq/metrics"
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(code int) {
			if code == 0 && wholeRun() {
				code = surfaceContract().report()
			}
			os.Exit(code)
		}),
		// fasthttp keeps one clock goroutine for the whole process, and a server's janitor sees its end up to 10 s late.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// fixture is a server over a real engine, reached through an in-memory listener.
type fixture struct {
	*testing.T
	s      *Server
	broker broker.Broker
	ln     *fasthttputil.InmemoryListener
	client *nethttp.Client
}

func start(t *testing.T, c Config) *fixture {
	t.Helper()
	return startOver(t, c, actor.Config{})
}

func startOver(t *testing.T, c Config, engine actor.Config) *fixture {
	t.Helper()
	if c.Metrics == nil {
		c.Metrics = metrics.NewEngine()
	}
	engine.Metrics = c.Metrics
	b, err := actor.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Broker = b
	return serve(t, c)
}

// serve is a server over c.Broker, whoever closes that.
func serve(t *testing.T, c Config) *fixture {
	t.Helper()
	f := &fixture{T: t, s: New(c), broker: c.Broker, ln: fasthttputil.NewInmemoryListener()}
	f.client = &nethttp.Client{Transport: &nethttp.Transport{
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return f.ln.Dial() },
	}}
	served := make(chan error, 1)
	ln := recorded(t, f.s, f.ln)
	go func() { served <- f.s.Serve(ln) }()
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		if err := f.s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f
}

// answer is what came back.
type answer struct {
	status int
	header nethttp.Header
	body   string
	closes bool // the connection ends with it
}

// do sends one request; headers are name, value pairs.
func (f *fixture) do(method, path, body string, headers ...string) answer {
	f.Helper()
	req, err := nethttp.NewRequest(method, "http://flashq"+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := f.client.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answerOf(res, text)
}

// answerOf is what came back; the line feed at the end of JSON is TestJSONEndsItsLine's.
func answerOf(res *nethttp.Response, text []byte) answer {
	body := string(text)
	if res.Header.Get("Content-Type") == "application/json" && res.Header.Get("Content-Encoding") == "" {
		body = strings.TrimSuffix(body, "\n")
	}
	return answer{res.StatusCode, res.Header, body, res.Close}
}

func (f *fixture) get(path string, headers ...string) answer {
	f.Helper()
	return f.do("GET", path, "", headers...)
}

func (f *fixture) post(path, body string) answer {
	f.Helper()
	return f.do("POST", path, body, "Content-Type", "application/json")
}

// produce stores records and fails the test where that fails.
func (f *fixture) produce(path string, records ...string) {
	f.Helper()
	f.post(path, `{"records":[`+strings.Join(records, ",")+`]}`).want(f, 200)
}

func (f *fixture) createTopic(name, config string) {
	f.Helper()
	f.do("PUT", "/topics/"+name, config, "Content-Type", "application/json").want(f, 201)
}

// raw sends bytes as they are on a connection of its own and reads one answer.
func (f *fixture) raw(request string) answer {
	f.Helper()
	c, err := f.ln.Dial()
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // a refused request may never be taken whole
	return readAnswer(f, bufio.NewReader(c))
}

func readAnswer(t testing.TB, r *bufio.Reader) answer {
	t.Helper()
	res, err := nethttp.ReadResponse(r, nil)
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

// want checks the status and gives the answer on.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// wantError checks the whole error shape and gives the details.
func (a answer) wantError(t testing.TB, status int, code string) map[string]any {
	t.Helper()
	a.want(t, status)
	var e struct {
		Error, Message string
		Details        map[string]any
		Retryable      *bool
	}
	a.decode(t, &e)
	if e.Error != code || e.Message == "" || e.Details == nil || e.Retryable == nil {
		t.Fatalf("want error %s: %s", code, a.body)
	}
	if want := status == 429 || status == 503 || code == "idempotency_in_flight"; *e.Retryable != want {
		t.Errorf("retryable %v: %s", *e.Retryable, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
	if a.header.Get("FlashQ-Request-Id") == "" {
		t.Error("no request id")
	}
	return e.Details
}

func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	if dec.More() {
		t.Fatalf("more than one value in %q", a.body)
	}
}

// fetched is a JSON answer of a fetch.
type fetched struct {
	Records []struct {
		Partition  int
		Offset     int64
		Timestamp  string
		Key, Value *string
		Headers    any
	}
	NextOffset    *int64 `json:"next_offset"`
	HighWaterMark *int64 `json:"high_water_mark"`
	Lag           int64
	Position      string
	Partitions    []struct {
		Partition     int
		NextOffset    int64 `json:"next_offset"`
		HighWaterMark int64 `json:"high_water_mark"`
		Earliest, Gap int64
		Beyond        int64
		End           *int64
		Error         *struct {
			Error     string
			Retryable bool
			First     int64 `json:"first_offset"`
			NextGood  int64 `json:"next_good_offset"`
			Next      int64 `json:"next_offset"`
		}
	}
}

func (f *fixture) fetch(path string) fetched {
	f.Helper()
	var got fetched
	f.get(path).want(f, 200).decode(f, &got)
	return got
}

// values are the values of the records, in their order.
func (g fetched) values() string {
	var all []string
	for _, r := range g.Records {
		if r.Value == nil {
			all = append(all, "null")
			continue
		}
		all = append(all, *r.Value)
	}
	return strings.Join(all, " ")
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
