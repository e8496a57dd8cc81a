package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// patience is how long an answer, or the end of a connection, may take.
const patience = 20 * time.Second

// row is a request and what it gets. Whatever that is, the broker is healthy afterwards, nothing but the records that the
// row says was stored, and the connection has ended or is in step: the next request on it gets its own answer.
type row struct {
	name   string
	send   string
	status int    // 0: none, the connection ends
	code   string // of an error

	more    []int // statuses of the answers that come after the first one
	stores  int   // records, in topic news
	changes bool  // something else
	ends    bool  // the client says that it sends no more
}

// hit sends each row to one broker, and sees what the contract demands of all of them.
func hit(t *testing.T, rows []row) {
	t.Helper()
	t.Parallel()
	end(t, hitOn(t, rows))
}

func hitOn(t *testing.T, rows []row) *instance.Instance {
	t.Helper()
	return hitAs(t, instance.Start(t), "", rows)
}

// hitAs sends the rows to a broker that knows the test itself by a header.
func hitAs(t *testing.T, broker *instance.Instance, known string, rows []row) *instance.Instance {
	t.Helper()
	furnish(t, broker, known)
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are %q", r.name)
		}
		seen[r.name] = true
		before := stateOf(t, broker, known)
		if err := r.play(broker.Addr); err != nil {
			t.Errorf("%s: %v\nsent %.300q", r.name, err, r.send)
		}
		after := stateOf(t, broker, known)
		if after.records != before.records+r.stores ||
			r.stores == 0 && !r.changes && after.text != before.text {
			t.Errorf("%s: it stored %d records, not %d\n%s", r.name, after.records-before.records, r.stores, after.text)
		}
	}
	t.Logf("%d requests", len(rows))
	return broker
}

func end(t *testing.T, broker *instance.Instance) {
	t.Helper()
	broker.Stop(t)
	if log := broker.Log(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		t.Errorf("the broker's log:\n%s", log)
	}
}

// ask sends a good request on a connection of its own.
func ask(t *testing.T, broker *instance.Instance, request string) []byte {
	t.Helper()
	c, err := net.DialTimeout("tcp", broker.Addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	a, err := readAnswer(bufio.NewReader(c), "")
	if err != nil || a.status >= 300 {
		t.Fatalf("%q: %d %s %v", request, a.status, a.body, err)
	}
	return a.body
}

// furnish gives the rows something to spoil: three records in two partitions, and a group that has read one of them.
func furnish(t *testing.T, broker *instance.Instance, known string) {
	t.Helper()
	ask(t, broker, with("PUT", "/topics/news", typeJSON, `{"partitions":2}`, known))
	ask(t, broker, with("POST", records, typeJSON,
		`{"records":[{"value":"a","partition":0},{"value":"b","partition":0},{"value":"c","partition":1}]}`, known))
	ask(t, broker, with("POST", "/groups/g/offsets", typeJSON, `{"offsets":[{"topic":"news","partition":0,"offset":1}]}`, known))
}

// state is all that the broker says of its topics and groups.
type state struct {
	text    string
	records int // of all topics
}

var ages = regexp.MustCompile(`"lag_ms":\d+`)

func stateOf(t *testing.T, broker *instance.Instance, known string) state {
	t.Helper()
	list := ask(t, broker, get("/topics?detail=true", known))
	var topics struct{ Details []struct{ Records int } }
	if err := json.Unmarshal(list, &topics); err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	s := state{text: string(list) + string(ask(t, broker, get("/groups", known)))}
	s.text += string(ages.ReplaceAll(ask(t, broker, get("/groups/g", known)), nil))
	for _, d := range topics.Details {
		s.records += d.Records
	}
	return s
}

// play sends the row on a connection of its own.
func (r row) play(addr string) error {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() {
		_, _ = io.WriteString(c, r.send) // a refused request may never be taken whole
		if r.ends {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	in := bufio.NewReader(c)
	method, _, _ := strings.Cut(r.send, " ")
	if r.status == 0 {
		return ended(in)
	}
	a, err := readAnswer(in, method)
	if err == nil {
		err = a.is(r.status, r.code)
	}
	for _, status := range r.more {
		if err == nil {
			if a, err = readAnswer(in, ""); err == nil && a.status != status {
				err = fmt.Errorf("then %d, not %d: %s", a.status, status, a.body)
			}
		}
	}
	switch {
	case err != nil:
		return err
	case a.closes || r.ends:
		return ended(in)
	default:
		return inStep(c, in)
	}
}

// inStep sends a good request, which has to get its own answer and nothing else.
func inStep(c net.Conn, in *bufio.Reader) error {
	const id = "the one after it"
	if _, err := io.WriteString(c, get("/health", "X-Request-Id: "+id)); err != nil {
		return fmt.Errorf("the connection stayed open, and takes no more: %w", err)
	}
	a, err := readAnswer(in, "")
	if err != nil {
		return fmt.Errorf("the next request: %w", err)
	}
	if got := a.header.Get("FlashQ-Request-Id"); a.status != 200 || got != id {
		return fmt.Errorf("the next request got %d of request %q: %s", a.status, got, a.body)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	return ended(in)
}

// ended wants the end of the connection, told in order: a reset can take an answer with it.
func ended(in *bufio.Reader) error {
	rest, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("the connection does not end in order: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("more came than was asked for: %.200q", rest)
	}
	return nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
	closes bool
}

func readAnswer(in *bufio.Reader, method string) (answer, error) {
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err == nil && res.StatusCode == http.StatusContinue {
		res, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return answer{}, fmt.Errorf("no answer: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		err = fmt.Errorf("half an answer of status %d: %w", res.StatusCode, err)
	}
	return answer{res.StatusCode, res.Header, text, res.Close}, err
}

// is tells in which way an answer is not the one that is wanted; code is that of an error, "" is no matter.
func (a answer) is(status int, code string) error {
	if a.status != status {
		return fmt.Errorf("status %d, not %d: %.300s", a.status, status, a.body)
	}
	if a.header.Get("FlashQ-Request-Id") == "" {
		return errors.New("the answer has no request id")
	}
	if code == "" {
		if status >= 400 {
			return errors.New("the row names no error")
		}
		return nil
	}
	e, err := a.fault()
	if err == nil && e != code {
		err = fmt.Errorf("error %s, not %s: %s", e, code, a.body)
	}
	return err
}

var secret = regexp.MustCompile(`goroutine \d+|\.go:\d+|0xc0[0-9a-f]{8}`)

// fault gives the code of an answer in the one shape that errors have.
func (a answer) fault() (string, error) {
	var e struct {
		Error, Message string
		Details        map[string]any
		Retryable      *bool
	}
	in := json.NewDecoder(bytes.NewReader(a.body))
	in.DisallowUnknownFields()
	if err := in.Decode(&e); err != nil {
		return "", fmt.Errorf("status %d is not in the shape of errors: %w: %.300q", a.status, err, a.body)
	}
	wants := a.status == 429 || a.status == 503
	switch {
	case e.Error == "" || e.Message == "" || e.Details == nil || e.Retryable == nil:
		return "", fmt.Errorf("half an error: %s", a.body)
	case *e.Retryable != (wants || e.Error == "idempotency_in_flight"):
		return "", fmt.Errorf("retryable %v: %s", *e.Retryable, a.body)
	case wants && a.header.Get("Retry-After") == "":
		return "", fmt.Errorf("no Retry-After: %s", a.body)
	case a.header.Get("Content-Type") != "application/json":
		return "", fmt.Errorf("an error of type %q", a.header.Get("Content-Type"))
	case secret.Match(a.body):
		return "", fmt.Errorf("the error shows the broker's inside: %s", a.body)
	}
	return e.Error, nil
}

// get is a request without a body; headers are whole lines.
func get(target string, headers ...string) string { return bodiless("GET", target, headers...) }

func bodiless(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + lines(headers)
}

func lines(headers []string) string {
	present := slices.DeleteFunc(slices.Clone(headers), func(h string) bool { return h == "" })
	return strings.Join(append(present, "", ""), "\r\n")
}

// with is a request with a body of a length that it tells.
func with(method, target, contentType, body string, headers ...string) string {
	own := []string{"Content-Type: " + contentType, "Content-Length: " + strconv.Itoa(len(body))}
	return bodiless(method, target, append(own, headers...)...) + body
}

const (
	typeJSON   = "application/json"
	typeLines  = "application/x-ndjson"
	typeEvents = "text/event-stream"
	typeOctets = "application/octet-stream"
	typeKafka  = "application/vnd.kafka.recordbatch.v2"
	records    = "/topics/news/records"
	goodBody   = `{"records":[{"value":"x"}]}`
)

// produce is a JSON body for topic news.
func produce(body string, headers ...string) string {
	return with("POST", records, typeJSON, body, headers...)
}

// framed is a produce of which the head says what it likes about the body.
func framed(headers, body string) string {
	return "POST " + records + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
}

// chunks cuts a body into chunks of the lengths that it has.
func chunks(parts ...string) string {
	var text strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&text, "%x\r\n%s\r\n", len(p), p)
	}
	return text.String() + "0\r\n\r\n"
}
