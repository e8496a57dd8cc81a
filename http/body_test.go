package http

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// small is a server whose body limit is easy to exceed.
func small(t *testing.T) *fixture { return start(t, Config{MaxBodyBytes: 64 << 10}) }

func post(headers string) string {
	return "POST /topics/news/records HTTP/1.1\r\nHost: flashq\r\nContent-Type: application/json\r\n" + headers + "\r\n"
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

func TestBodyFraming(t *testing.T) {
	f := small(t)
	long := `{"records":[{"value":"` + strings.Repeat("x", 50_000) + `"}]}`
	const end = "0\r\n\r\n"
	chunked := post("Transfer-Encoding: chunked\r\n")
	for name, request := range map[string]string{
		"length":            post(fmt.Sprintf("Content-Length: %d\r\n", len(oneRecord))) + oneRecord,
		"large with length": post(fmt.Sprintf("Content-Length: %d\r\n", len(long))) + long,
		"chunked":           chunked + chunk(oneRecord[:5]) + chunk(oneRecord[5:]) + end,
		"large chunked":     chunked + chunk(long[:20_000]) + chunk(long[20_000:]) + end,
	} {
		if a := f.raw(request); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for name, request := range map[string]string{
		"no chunk":    post("Transfer-Encoding: chunked\r\n") + "zz\r\n{}\r\n0\r\n\r\n",
		"two lengths": post("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}",
		"no request":  "hello\r\n\r\n",
	} {
		if a := f.raw(request); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		} else {
			a.wantError(t, 400, "invalid_request")
		}
	}
	if got := f.fetch("/topics/news/records"); len(got.Records) != 4 {
		t.Errorf("%d records were stored, want 4", len(got.Records))
	}
}

// Two framings of one body are how requests are smuggled past a proxy: what follows must not be taken as a request.
func TestLengthBesideChunksEndsTheConnection(t *testing.T) {
	f := small(t)
	a := f.raw(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + chunk(oneRecord) + "0\r\n\r\n")
	if !a.closes {
		t.Error("the connection stays open")
	}
}

func TestEmptyBodyIsNoJSON(t *testing.T) {
	f := start(t, Config{})
	f.raw(post("Content-Length: 0\r\n")).wantError(t, 400, "invalid_json")
	f.raw(post("")).wantError(t, 400, "invalid_json")
}

func TestBodyAtAndOverTheLimit(t *testing.T) {
	f := small(t)
	limit := 64 << 10
	fits := oneRecord + strings.Repeat(" ", limit-len(oneRecord))
	f.raw(post(fmt.Sprintf("Content-Length: %d\r\n", limit))+fits).want(t, 200)
	f.raw(post("Transfer-Encoding: chunked\r\n")+chunk(fits)+"0\r\n\r\n").want(t, 200)
	for _, request := range []string{
		post(fmt.Sprintf("Content-Length: %d\r\n", limit+1)) + fits + " ",
		post("Transfer-Encoding: chunked\r\n") + chunk(fits) + chunk(" ") + "0\r\n\r\n",
	} {
		details := f.raw(request).wantError(t, 413, "body_too_large")
		if details["max_size"] != float64(limit) {
			t.Error(details)
		}
	}
	if used := f.s.bounds.inflight.Used(); used != 0 {
		t.Errorf("%d bytes are still admitted", used)
	}
}

// A client that sees no answer before it has sent everything must get the 413 and not a reset.
func TestRefusedBodyIsReadOn(t *testing.T) {
	f := start(t, Config{MaxBodyBytes: 1 << 20})
	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := bytes.Repeat([]byte{' '}, 3<<19) // more than fasthttp would read on by itself
	r := bufio.NewReader(c)
	for _, contentType := range []string{"application/json", "text/html"} {
		head := strings.Replace(post(fmt.Sprintf("Content-Length: %d\r\n", len(body))), "application/json", contentType, 1)
		if _, err := fmt.Fprintf(c, "%s%s", head, body); err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, r); a.status != 413 && a.status != 415 || a.closes {
			t.Fatalf("%d %s, closes: %v", a.status, a.body, a.closes)
		}
	}
	if _, err := io.WriteString(c, post(fmt.Sprintf("Content-Length: %d\r\n", len(oneRecord)))+oneRecord); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, r).want(t, 200) // the bodies were read to their end, so the connection is good for more
}

func TestRefusedBodyWithoutEndClosesTheConnection(t *testing.T) {
	f := small(t)
	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = io.WriteString(c, post("Content-Length: 1000000000\r\n"))
		_, _ = c.Write(make([]byte, 1<<20))
	}()
	r := bufio.NewReader(c)
	a := readAnswer(t, r)
	a.wantError(t, 413, "body_too_large")
	if !a.closes {
		t.Error("the connection is not said to close")
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection is open: %v", err)
	}
}

func TestExpectContinueIsRefusedBeforeTheBody(t *testing.T) {
	f := small(t)
	f.raw(post("Expect: 100-continue\r\nContent-Length: 70000\r\n")).wantError(t, 413, "body_too_large")

	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, post(fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(oneRecord))))
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatal(line, err)
	}
	_, _ = r.ReadString('\n')
	fmt.Fprint(c, oneRecord)
	readAnswer(t, r).want(t, 200)
}

// A refusal by the head alone is nobody else's: it is forgotten with its request, be that answered or cut off.
func TestEarlyRefusalsAreForgotten(t *testing.T) {
	f := small(t)
	kept := func() int64 { return f.s.early.some.Load() }
	f.raw(post("Content-Length: 70000\r\n")+strings.Repeat(" ", 70_000)).wantError(t, 413, "body_too_large")
	f.raw(post("Expect: 100-continue\r\nContent-Length: 70000\r\n")).wantError(t, 413, "body_too_large")
	if n := kept(); n != 0 {
		t.Errorf("%d refusals are kept after their answers", n)
	}
	c, err := f.ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, post("Content-Length: 70000\r\n"))
	eventually(t, "the head is judged", func() bool { return kept() == 1 })
	c.Close()
	eventually(t, "its refusal is forgotten", func() bool { return kept() == 0 })
}

func TestHeadOverTheLimit(t *testing.T) {
	f := start(t, Config{})
	f.raw("GET /health HTTP/1.1\r\nHost: flashq\r\nX-Long: "+strings.Repeat("x", 17<<10)+"\r\n\r\n").
		wantError(t, 431, "headers_too_large")
	f.raw("GET /topics/news/records?position="+strings.Repeat("0:1,", 3000)+" HTTP/1.1\r\nHost: flashq\r\n\r\n").
		wantError(t, 400, "invalid_parameter") // 12 KB of position token still fit
}

// A client that sends its head to the end before it reads gets to see what is wrong with it.
func TestALargeHeadIsAnsweredAfterIt(t *testing.T) {
	_, _, dial := tcp(t)
	for _, end := range []string{"\r\n\r\n", "\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000)} {
		c := dial("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
		piece := strings.Repeat("x", 64<<10)
		for range 64 { // more than the system takes off a client at once
			if _, err := io.WriteString(c, piece); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.WriteString(c, end); err != nil {
			t.Fatal(err)
		}
		readAnswer(t, bufio.NewReader(c)).wantError(t, 431, "headers_too_large")
		c.Close()
	}
}

func TestTooManyBytesInFlight(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 128 << 10})
	if !f.s.bounds.inflight.Take(100 << 10) { // somebody else's bodies
		t.Fatal("no room")
	}
	big := `{"records":[{"value":"` + strings.Repeat("x", 40<<10) + `"}]}`
	a := f.post("/topics/news/records", big)
	details := a.wantError(t, 429, "overloaded")
	if a.header.Get("Retry-After") != "1" || details["retry_after_ms"] != float64(1000) {
		t.Error(a.header, details)
	}
	f.raw(post("Transfer-Encoding: chunked\r\n")+chunk(big)+"0\r\n\r\n").wantError(t, 429, "overloaded")
	f.post("/topics/news/records", oneRecord).want(t, 200)
	f.s.bounds.inflight.Give(100 << 10)
	f.post("/topics/news/records", big).want(t, 200)
	if used := f.s.bounds.inflight.Used(); used != 0 {
		t.Errorf("%d bytes are still admitted", used)
	}
}

// A declared length is only a claim: a hundred of them must not shut anybody out.
func TestDeclaredButUnsentBodiesCostNothing(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 20 << 20})
	for range 100 {
		c, err := f.ln.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, post("Content-Length: 16000000\r\n")+strings.Repeat(" ", 9000)); err != nil {
			t.Fatal(err)
		}
	}
	f.post("/topics/news/records", oneRecord).want(t, 200)
	if used := f.s.bounds.inflight.Used(); used > 100*firstBodySlab {
		t.Errorf("%d bytes are admitted", used)
	}
}
