package http

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flashq/actor"
)

// stalledBody is a produce that sends so much of a megabyte and then nothing.
func stalledBody(bytes int) string {
	return post("Content-Length: 1000000\r\n") + `{"records":[` + strings.Repeat(" ", bytes)
}

func TestSmallRoutesTakeSmallBodies(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	for _, route := range []struct {
		method, path, body string
		most               int
	}{
		{"PUT", "/topics/news", `{"retention_ms":5000}`, 64 << 10},
		{"PUT", "/groups/g", `{"start":"earliest"}`, 64 << 10},
		{"PUT", "/groups/h/members/m", `{"topics":["news"]}`, 64 << 10},
		{"POST", "/groups/g/offsets", `{"offsets":[{"topic":"news","at":"latest"}]}`, 4_000_000},
		{"POST", "/consumer/i", `{}`, 64 << 10},
		{"POST", "/consumer/g/topic/news/offset", `{"offset":0}`, 64 << 10},
	} {
		fits := route.body + strings.Repeat(" ", route.most-len(route.body))
		if a := f.do(route.method, route.path, fits, "Content-Type", "application/json"); a.status >= 300 {
			t.Errorf("%s: %d %s", route.path, a.status, a.body)
		}
		for coding, body := range map[string]string{"": fits + " ", "gzip": gzipped(t, fits+" ")} {
			headers := []string{"Content-Type", "application/json"}
			if coding != "" {
				headers = append(headers, "Content-Encoding", coding)
			}
			details := f.do(route.method, route.path, body, headers...).wantError(t, 413, "body_too_large")
			if details["max_size"] != float64(route.most) {
				t.Errorf("%s: %v", route.path, details)
			}
		}
	}
	if used := f.s.bounds.inflight.Used(); used != 0 {
		t.Errorf("%d bytes are still admitted", used)
	}
}

// What a list would take is known before it is made.
func TestACommitIsCountedBeforeItIsTakenApart(t *testing.T) {
	f := start(t, Config{})
	body := gzipped(t, `{"offsets":[`+strings.Repeat("1,", 1_900_000)+`1]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := f.do("POST", "/groups/g/offsets", body, "Content-Type", "application/json", "Content-Encoding", "gzip")
	runtime.ReadMemStats(&after)
	if details := a.wantError(t, 400, "validation_error"); details["actual_size"] != 1_900_001.0 {
		t.Error(details)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 60<<20 {
		t.Errorf("it took %d bytes to refuse it", took)
	}
}

// The copies that taking a body apart makes count, too.
func TestTakingABodyApartCounts(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 2 << 20})
	f.createTopic("news", "")
	commit := `{"offsets":[{"topic":"news","at":"latest"}]}`
	f.s.bounds.inflight.Take(1 << 20) // somebody else's
	f.post("/groups/g/offsets", commit+strings.Repeat(" ", 200_000)).wantError(t, 429, "overloaded")
	f.post("/groups/g/offsets", commit).want(t, 200)
	f.s.bounds.inflight.Give(1 << 20)
	f.post("/groups/g/offsets", commit+strings.Repeat(" ", 200_000)).want(t, 200)
}

// A refusal that the head alone calls for comes within a second, whatever of the body comes.
func TestARefusalFromTheHeadNeedsNoBody(t *testing.T) {
	get := func(head string) string { return head + "\r\nHost: flashq\r\n\r\n" }
	json := " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
	for name, row := range map[string]struct {
		head, sent string
		status     int
	}{
		"too large":         {"POST /topics/t/records" + json + "99999999", "", 413},
		"too large for it":  {"PUT /topics/t" + json + "70000", "", 413},
		"its type":          {"POST /topics/t/records HTTP/1.1\r\nContent-Type: text/html\r\nContent-Length: 10", "", 415},
		"its coding":        {"POST /topics/t/records" + json + "70000\r\nContent-Encoding: br", "", 415},
		"its names":         {"POST /topics/%20/records" + json + "70000", "", 400},
		"its topic":         {"POST /topics/none/records" + json + "70000", "", 404},
		"its Accept":        {"POST /topics/t/records" + json + "70000\r\nAccept: text/html", "", 406},
		"its framing":       {"PUT /topics/t" + json + "70000\r\nTransfer-Encoding: identity", "", 400},
		"another site":      {"POST /topics/t/records" + json + "70000\r\nSec-Fetch-Site: cross-site", "", 403},
		"another origin":    {"POST /topics/t/records" + json + "70000\r\nOrigin: http://else", "", 403},
		"it expects to go":  {"POST /topics/none/records" + json + "100\r\nExpect: 100-continue", "", 404},
		"its parameters":    {"POST /topics/t/records?key=a" + json + "70000", "", 400},
		"with a first byte": {"POST /topics/t/records?key=a" + json + "100", "{", 400},
		"a later name":      {"PUT /groups/g/members/-" + json + "100", "{", 400},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := start(t, Config{NoAutoCreate: true})
				f.createTopic("t", "")
				begun := time.Now()
				a := f.raw(get(row.head) + row.sent)
				if took := time.Since(begun); a.status != row.status || took > time.Second {
					t.Errorf("%d after %v: %s", a.status, took, a.body)
				}
			})
		})
	}
}

func TestAForeignHostNeedsNoBody(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("t", "")
		f.s.guard.loopback.Store(true)
		begun := time.Now()
		a := f.raw("POST /topics/t/records HTTP/1.1\r\nHost: else\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n")
		if took := time.Since(begun); a.status != 403 || took > time.Second {
			t.Errorf("%d after %v: %s", a.status, took, a.body)
		}
	})
}

// Whoever sends a little, waits and never goes on holds little, and nobody waits for it.
func TestStalledBodiesLockNobodyOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{MaxInflightBytes: 4 << 20})
		f.createTopic("news", "")
		var stalled []net.Conn
		for range 30 {
			for _, bytes := range []int{400_000, 70_000, 9_000, 100} {
				stalled = append(stalled, p.send(t, "127.0.0.1", stalledBody(bytes)))
				synctest.Wait()
			}
		}
		if used := s.bounds.inflight.Used(); used > 4<<20 || used < 2<<20 {
			t.Errorf("%d bytes are held", used)
		}
		c := p.send(t, "127.0.0.1", post(fmt.Sprintf("Content-Length: %d\r\n", len(oneRecord)))+oneRecord)
		readAnswer(t, bufio.NewReader(c)).want(t, 200)
		time.Sleep(5 * time.Second) // who was refused is gone, and who stalls meanwhile, too
		if used := s.bounds.inflight.Used(); used != 0 {
			t.Errorf("%d bytes are held for those who stall while others are refused", used)
		}
		leave(stalled...)
		leave(c)
	})
}

func leave(clients ...net.Conn) {
	for _, c := range clients {
		c.Close()
	}
}

func TestReadersThatStopLockNobodyOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{MaxInflightBytes: 4 << 20})
		for range 8 {
			f.produce("/topics/big/records", `{"value":"`+strings.Repeat("x", 200_000)+`"}`)
		}
		f.produce("/topics/small/records", `{"value":"`+strings.Repeat("y", 20_000)+`"}`)
		fetch := func(topic string, bytes int) string {
			return fmt.Sprintf("GET /topics/%s/records?max_bytes=%d HTTP/1.1\r\nHost: flashq\r\n\r\n", topic, bytes)
		}
		var stopped []net.Conn
		for _, bytes := range []int{1 << 20, 500_000, 1} {
			for range 12 {
				stopped = append(stopped, p.send(t, "127.0.0.1", fetch("big", bytes)))
				synctest.Wait()
			}
		}
		if used := s.bounds.answers.Used(); used < 2<<20 {
			t.Errorf("%d bytes are held", used)
		}
		for range 3 {
			c := p.send(t, "127.0.0.1", fetch("small", 1<<20))
			readAnswer(t, bufio.NewReader(c)).want(t, 200)
			leave(c)
		}
		time.Sleep(6 * time.Second)
		if used := s.bounds.answers.Used(); used != 0 {
			t.Errorf("%d bytes are held for those who take nothing while others are refused", used)
		}
		leave(stopped...)
	})
}

// What is held for a body is not much more than has come of it, and no less than the memory that it was given.
func TestABodyHoldsWhatHasCome(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		_, s, p := piped(t, Config{})
		for _, bytes := range []int{1, 70_000, 300_000, 1_100_000} {
			c := p.send(t, "127.0.0.1", post("Content-Length: 16000000\r\n")+strings.Repeat(" ", bytes))
			synctest.Wait()
			if held := s.bounds.inflight.Used(); held > int64(max(4*bytes, firstBodySlab)) {
				t.Errorf("%d bytes are held for %d", held, bytes)
			} else if held < int64(max(bytes, firstBodySlab)) {
				t.Errorf("only %d bytes are held for %d", held, bytes)
			}
			leave(c)
			synctest.Wait()
		}
	})
}

// One machine's clients have what half of the budgets has; others, and those of a trusted proxy, have theirs.
func TestAnAddressHasAShare(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		trusted, err := netip.ParsePrefix("198.51.100.0/24")
		if err != nil {
			t.Fatal(err)
		}
		_, s, p := piped(t, Config{MaxInflightBytes: 8 << 20, TrustedProxies: []netip.Prefix{trusted}})
		held := func(ip string) int64 {
			before := s.bounds.inflight.Used()
			var clients []net.Conn
			for range 40 {
				clients = append(clients, p.send(t, ip, stalledBody(200_000)))
				synctest.Wait()
			}
			defer synctest.Wait()
			defer leave(clients...)
			return s.bounds.inflight.Used() - before
		}
		if got := held("192.0.2.1"); got > 4<<20 || got < 3<<20 {
			t.Errorf("an address holds %d", got)
		}
		if got := held("198.51.100.7"); got <= 5<<20 {
			t.Errorf("a trusted proxy holds %d", got)
		}
	})
}

// Whatever the budgets, what was stored can be read, and what is taken at all can be sent.
func TestOneRequestAloneFitsAnyBudget(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 1 << 20})
	value := strings.Repeat("x", 1<<20)
	f.produce("/topics/news/records", `{"value":"`+value+`"}`)
	for _, query := range []string{"?max_records=1", "?max_records=1&group=g"} {
		got := f.fetch("/topics/news/records" + query)
		if len(got.Records) != 1 || *got.Records[0].Value != value {
			t.Errorf("%s: %d records", query, len(got.Records))
		}
	}
	if in, out := f.s.bounds.inflight.Used(), f.s.bounds.answers.Used(); in != 0 || out != 0 {
		t.Errorf("%d and %d bytes are held", in, out)
	}
}

// To try again what memory could never hold would never help.
func TestMoreThanMemoryHoldsIsTooLarge(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MemoryBytes: 1 << 20})
	value := `{"value":"` + strings.Repeat("x", 400_000) + `"}`
	f.post("/topics/news/records", `{"records":[`+value+","+value+","+value+`]}`).wantError(t, 413, "body_too_large")
	f.produce("/topics/news/records", value)
}

// A steady peer is served for as long as it takes.
func TestSlowPeersAreServed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		_, s, p := piped(t, Config{})
		c := p.dial(t, "127.0.0.1")
		answers := bufio.NewReaderSize(c, 16)
		text := `{"records":[` + strings.Repeat(`{"value":"`+strings.Repeat("x", 10_000)+`"},`, 400) + `{"value":"y"}]}`
		begun := time.Now()
		if _, err := io.WriteString(c, post(fmt.Sprintf("Content-Length: %d\r\n", len(text)))); err != nil {
			t.Fatal(err)
		}
		for rest := text; rest != ""; time.Sleep(time.Second) { // 40 KB/s
			n := min(len(rest), 40_000)
			if _, err := io.WriteString(c, rest[:n]); err != nil {
				t.Fatalf("cut off after %v: %v", time.Since(begun), err)
			}
			rest = rest[n:]
		}
		readAnswer(t, answers).want(t, 200)
		begun = time.Now()
		if _, err := io.WriteString(c, "GET /topics/news/records?max_records=1000&max_bytes=8000000 HTTP/1.1\r\n"+
			"Host: flashq\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		slow := slowReader{c, 50_000}
		if a := readAnswer(t, bufio.NewReaderSize(slow, 1<<10)); a.status != 200 || len(a.body) < 4_000_000 {
			t.Errorf("%d, %d bytes", a.status, len(a.body))
		}
		if took := time.Since(begun); took < 70*time.Second {
			t.Errorf("it took %v", took)
		}
		leave(c)
		if used := s.bounds.answers.Used(); used != 0 {
			t.Errorf("%d bytes are held", used)
		}
	})
}

// slowReader reads so many bytes a second.
type slowReader struct {
	io.Reader

	rate int
}

func (s slowReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	time.Sleep(time.Duration(n) * time.Second / time.Duration(s.rate))
	return n, err
}

// Large bodies are decoded on all processors but one at most; small ones wait for none of them.
func TestLargeBodiesTakeTurns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{})
		send := func(body string) (net.Conn, *bufio.Reader) {
			c := p.send(t, "127.0.0.1", post(fmt.Sprintf("Content-Length: %d\r\n", len(body)))+body)
			return c, bufio.NewReader(c)
		}
		for range cap(s.bounds.large) { // others are at it
			s.bounds.large <- struct{}{}
		}
		good, goodAnswer := send(oneRecord + strings.Repeat(" ", largeBody))
		bad, badAnswer := send(oneRecord + strings.Repeat("x", largeBody))
		synctest.Wait()
		small, smallAnswer := send(oneRecord)
		readAnswer(t, smallAnswer).want(t, 200)
		if got := f.fetch("/topics/news/records"); len(got.Records) != 1 {
			t.Errorf("%d records are stored before the large body's turn, want the small one's", len(got.Records))
		}
		for range cap(s.bounds.large) {
			<-s.bounds.large
		}
		readAnswer(t, goodAnswer).want(t, 200)
		readAnswer(t, badAnswer).want(t, 400)
		if n := len(s.bounds.large); n != 0 {
			t.Errorf("%d places are kept by bodies that are through", n)
		}
		leave(good, bad, small)
	})
}
