package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// What random requests run for, and the seed of an earlier run.
const (
	timeVariable = "FLASHQ_RANDOM"
	seedVariable = "FLASHQ_SEED"
	usualTime    = 2 * time.Second
	clients      = 8
)

// pairs are the codes that errors may have, by status.
var pairs = map[int]string{
	400: "invalid_json invalid_parameter validation_error invalid_offset invalid_request",
	401: "unauthorized", 403: "forbidden origin_not_allowed",
	404: "topic_not_found partition_not_found group_not_found member_not_found not_found",
	405: "method_not_allowed", 406: "not_acceptable", 408: "request_timeout",
	409: "conflict group_active fenced partitions_immutable idempotency_in_flight out_of_order_sequence producer_fenced",
	413: "body_too_large", 415: "unsupported_media_type",
	422: "record_validation_error validation_error idempotency_key_reused corrupt_batch not_supported",
	429: "overloaded", 431: "headers_too_large",
	503: "draining disk_full too_many_open_files",
}

// tally is what came of all requests. Any goroutine may add to it.
type tally struct {
	mu    sync.Mutex
	seen  map[string]int // "400 invalid_json"
	sent  int            // connections
	wrong []string
}

func (y *tally) count(what string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.seen[what]++
}

func (y *tally) fail(sent string, err error) (enough bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.wrong = append(y.wrong, fmt.Sprintf("%v\nsent %.2000q", err, sent))
	return len(y.wrong) > 10
}

// Requests of a grammar, spoiled or not, whole, in pieces, several at once, half-sent and cut off: every answer is one of
// the contract's, good requests get their own, nothing panics or races, and nothing is left when they have gone.
func TestRandomRequests(t *testing.T) {
	span, seed := usualTime, rand.Uint64()
	if text := os.Getenv(timeVariable); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("random requests: %s=%d %s=%s\n", seedVariable, seed, timeVariable, span)
	flags := []string{"--max-topics=40", "--max-groups=40", "--max-partitions=4", "--max-waiters=50", "--max-streams=20", "--max-idempotency-keys=500"}
	t.Run("memory", func(t *testing.T) {
		storm(t, seed, span/2, append(flags, "--storage=memory", "--memory-bytes=64MiB")...)
	})
	t.Run("file", func(t *testing.T) {
		storm(t, seed+1, span/2, append(flags, "--storage=file", "--data-dir="+t.TempDir())...)
	})
}

func storm(t *testing.T, seed uint64, span time.Duration, flags ...string) {
	broker := instance.Start(t, flags...)
	y := &tally{seen: map[string]int{}}
	run(broker.Addr, y, seed, span/4) // makes what stays: topics, groups, buffers
	before := figures(t, broker)
	run(broker.Addr, y, seed^1<<63, span-span/4)
	after := figures(t, broker)
	for _, w := range y.wrong {
		t.Error(w)
	}
	t.Logf("%d connections: %s", y.sent, y)
	t.Logf("from %s to %s", before, after)
	if codes := len(y.seen); y.sent > 2000 && codes < 20 {
		t.Errorf("only %d kinds of answers", codes)
	}
	after.within(t, before)
	broker.Must(t, 200, "GET", "/health", "", nil, nil)
	if left := serving(t, broker); len(left) > mostSockets {
		t.Errorf("%d goroutines serve connections that are gone, as\n%s", len(left), left[0])
	}
}

func (y *tally) String() string {
	all := make([]string, 0, len(y.seen))
	for _, what := range slices.Sorted(maps.Keys(y.seen)) {
		all = append(all, fmt.Sprintf("%s: %d", what, y.seen[what]))
	}
	return strings.Join(all, ", ")
}

// run has clients send for a time.
func run(addr string, y *tally, seed uint64, span time.Duration) {
	end := time.Now().Add(span)
	var all sync.WaitGroup
	for i := range clients {
		g := grammar{rand.New(rand.NewPCG(seed, uint64(i)))}
		all.Go(func() {
			for time.Now().Before(end) {
				sent, err := g.visit(addr, y)
				if err != nil && y.fail(sent, err) {
					return
				}
			}
		})
	}
	all.Wait()
}

// visit is one connection, from its begin to its end.
func (g grammar) visit(addr string, y *tally) (sent string, err error) {
	y.mu.Lock()
	y.sent++
	y.mu.Unlock()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if g.oneIn(4) {
		return g.wellBehaved(c, y)
	}
	for i := range 1 + g.IntN(3) {
		r := g.valid()
		for range g.IntN(4) {
			g.spoil(&r)
		}
		if r.method == "HEAD" && i > 0 {
			r.method = "GET" // whether an answer has a body must be known
		}
		sent += g.bytes(r)
		if r.method == "HEAD" {
			break
		}
	}
	for g.oneIn(3) {
		sent = g.bend(sent)
	}
	if g.oneIn(10) { // half-sent, and away: with a reset as often as not
		g.write(c, sent[:g.IntN(len(sent)+1)])
		if g.oneIn(2) {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		return sent, nil
	}
	go func() {
		g.write(c, sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	return sent, readAll(c, sent, y)
}

// write sends a text whole, or in pieces.
func (g grammar) write(c net.Conn, text string) {
	g = grammar{rand.New(rand.NewPCG(uint64(len(text)), 1))} // another goroutine's than that of the caller
	for len(text) > 0 {
		n := len(text)
		if g.oneIn(2) {
			n = 1 + g.IntN(n)
		}
		if _, err := io.WriteString(c, text[:n]); err != nil {
			return
		}
		text = text[n:]
	}
}

// readAll judges all answers of a connection on which the client sends no more.
func readAll(c net.Conn, sent string, y *tally) error {
	in := bufio.NewReader(c)
	if strings.Contains(sent, "HEAD ") { // where it was spoiled, its answer has a body or not
		text, err := io.ReadAll(in)
		if err == nil && len(text) > 0 && !strings.HasPrefix(string(text), "HTTP/1.1 ") {
			err = fmt.Errorf("no answer: %.300q", text)
		}
		return spoiled(err)
	}
	for {
		if _, err := in.Peek(1); err != nil {
			if err == io.EOF {
				return nil
			}
			return spoiled(err)
		}
		a, err := readAnswer(in, "")
		if kind := a.header.Get("Content-Type"); errors.Is(err, io.ErrUnexpectedEOF) && (kind == typeEvents || kind == typeLines) {
			y.count("stream")
			return nil // it ends when it is seen that its client sends no more
		}
		if err == nil {
			err = y.judge(a, false)
		}
		if err != nil {
			return spoiled(err)
		}
	}
}

// spoiled passes over a reset: who spoils the end of a request may send after the broker has closed.
func spoiled(err error) error {
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// judge wants an answer that the contract has.
func (y *tally) judge(a answer, head bool) error {
	code := ""
	switch {
	case a.status == 200 || a.status == 201 || a.status == 204:
		if a.header.Get("FlashQ-Request-Id") == "" {
			return errors.New("no request id")
		}
	case head:
	default:
		var err error
		if code, err = a.fault(); err != nil {
			return err
		}
		if !slices.Contains(strings.Fields(pairs[a.status]), code) {
			return fmt.Errorf("%d %s is none of the contract's: %s", a.status, code, a.body)
		}
	}
	y.count(strings.TrimSpace(fmt.Sprint(a.status, " ", code)))
	return nil
}

// wellBehaved sends good requests, several before the first answer is there: each gets its own, in order.
func (g grammar) wellBehaved(c net.Conn, y *tally) (sent string, err error) {
	var methods, ids []string
	for range 1 + g.IntN(5) {
		r := g.valid()
		endless := slices.Contains(r.query, "follow=true") || slices.Contains(r.headers, "Accept: "+typeEvents)
		if endless || slices.Contains(r.headers, "X-Request-Id: mine") {
			continue
		}
		id := fmt.Sprint("id-", g.Uint32())
		r.headers = append(r.headers, "X-Request-Id: "+id)
		methods, ids = append(methods, r.method), append(ids, id)
		sent += g.bytes(r)
	}
	go g.write(c, sent)
	in := bufio.NewReader(c)
	for i, method := range methods {
		a, err := readAnswer(in, method)
		if err == nil {
			err = y.judge(a, method == "HEAD")
		}
		if err == nil && a.header.Get("FlashQ-Request-Id") != ids[i] {
			err = fmt.Errorf("the answer to %s is that to %s", ids[i], a.header.Get("FlashQ-Request-Id"))
		}
		if err != nil {
			return sent, fmt.Errorf("request %d of %d good ones: %w", i+1, len(methods), err)
		}
		if a.closes {
			return sent, nil
		}
	}
	_ = c.(*net.TCPConn).CloseWrite()
	return sent, ended(in)
}

// figure is what a process holds, as far as it and the system tell.
type figure struct{ files, memory, goroutines int }

func (f figure) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines and %d MiB", f.files, f.goroutines, f.memory>>20)
}

// figures deletes what clients have made, waits until no connection is open any more, and looks.
func figures(t *testing.T, broker *instance.Instance) (f figure) {
	t.Helper()
	var made struct {
		Topics []string
		Groups []struct{ Group string }
	}
	broker.Must(t, 200, "GET", "/topics", "", nil, &made)
	broker.Must(t, 200, "GET", "/groups", "", nil, &made)
	for _, topic := range made.Topics {
		broker.Must(t, 204, "DELETE", "/topics/"+topic, "", nil, nil)
	}
	for _, g := range made.Groups { // some were their topics' alone
		_, _ = broker.Call("DELETE", "/groups/"+g.Group+"?force=true", "", nil)
	}
	sockets := func() (n int) {
		names, _ := filepath.Glob("/proc/" + strconv.Itoa(broker.PID) + "/fd/*")
		f.files = len(names)
		for _, name := range names {
			if to, _ := os.Readlink(name); strings.HasPrefix(to, "socket:") {
				n++
			}
		}
		return n
	}
	instance.Eventually(t, "connections are closed with their peers", func() bool { return sockets() <= mostSockets })
	page := broker.Must(t, 200, "GET", "/metrics", "", nil, nil).Body
	if m := goroutines.FindSubmatch(page); m != nil {
		f.goroutines, _ = strconv.Atoi(string(m[1]))
	}
	f.memory, _ = memoryOf(broker.PID, "VmRSS")
	return f
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// mostSockets are one that listens, and those on which the test itself asks.
const mostSockets = 4

// within wants that nothing has grown with the number of requests.
func (f figure) within(t *testing.T, before figure) {
	t.Helper()
	// Descriptors of logs of groups that were used since; their shards, and connections' goroutines that are kept a while.
	const files, goroutines, memory = 60, 60, 300 << 20
	if f.files > before.files+files || f.memory > before.memory+memory || f.goroutines > before.goroutines+goroutines || f.goroutines == 0 {
		t.Errorf("it grew from %s to %s", before, f)
	}
}

var stacks = regexp.MustCompile(`(?m)^goroutine \d+ .*\n(?:.+\n)+`)

// serving ends the broker by a signal on which Go tells every goroutine, and gives those that serve a connection.
func serving(t *testing.T, broker *instance.Instance) (left []string) {
	t.Helper()
	if log := broker.Log(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		t.Errorf("the broker's log:\n%.5000s", log[max(0, strings.Index(log, "DATA RACE")-100):])
	}
	broker.Signal(t, syscall.SIGQUIT)
	broker.Wait(t)
	all := stacks.FindAll([]byte(broker.Log()), -1)
	if len(all) < 5 {
		t.Fatalf("%d goroutines:\n%s", len(all), broker.Log())
	}
	for _, one := range all {
		if bytes.Contains(one, []byte(").serveConn(")) || bytes.Contains(one, []byte("fetch.(*stream).run(")) {
			left = append(left, string(one))
		}
	}
	const most = 300 // 40 topics of 4 partitions, 50 shards of groups, and what always runs
	if t.Logf("%d goroutines at the end", len(all)); len(all) > most {
		t.Errorf("more than %d goroutines", most)
	}
	return left
}
