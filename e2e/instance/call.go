package instance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// caller keeps connections open between calls, enough for every writer of a test.
var caller = &http.Client{
	Timeout:   2 * patience,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
}

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call sends one request; path begins with a slash and may carry a query. An error means that no whole answer came.
func (i *Instance) Call(method, path, contentType string, body []byte) (Answer, error) {
	req, err := http.NewRequest(method, "http://"+i.Addr+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := caller.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header, Body: text}, err
}

// Must is Call for a test that needs the given status; the answer's JSON goes into out unless that is nil.
func (i *Instance) Must(t testing.TB, status int, method, path, contentType string, body []byte, out any) Answer {
	t.Helper()
	a, err := i.Call(method, path, contentType, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.Status != status {
		t.Fatalf("%s %s: status %d instead of %d: %.500s", method, path, a.Status, status, a.Body)
	}
	if out != nil {
		if err := json.Unmarshal(a.Body, out); err != nil {
			t.Fatalf("%s %s: %v: %.500s", method, path, err, a.Body)
		}
	}
	return a
}

// CreateTopic makes a topic that is not there yet; fields are those of the API beside the partition count.
func (i *Instance) CreateTopic(t testing.TB, topic string, partitions int, fields ...string) {
	t.Helper()
	body := fmt.Sprintf(`{"partitions":%d`, partitions)
	for _, f := range fields {
		body += "," + f
	}
	i.Must(t, http.StatusCreated, "PUT", "/topics/"+url.PathEscape(topic), "application/json", []byte(body+"}"), nil)
}

// Refusal gives the error code of a 503 and demands its Retry-After; any other answer fails the test.
func Refusal(t testing.TB, a Answer) string {
	t.Helper()
	var e struct{ Error string }
	if err := json.Unmarshal(a.Body, &e); err != nil || a.Status != http.StatusServiceUnavailable || e.Error == "" ||
		a.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q: %.300s", a.Status, a.Header.Get("Retry-After"), a.Body)
		return "not a refusal"
	}
	return e.Error
}
