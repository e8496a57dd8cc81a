package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	// ErrUnreachable is returned when no whole HTTP answer came: nobody listens, the connection broke, or the answer was
	// cut short. Whether a request that writes was carried out is unknown.
	ErrUnreachable = errors.New("unreachable")
	// ErrAnswer is returned when a success is not the API's: its body is not the JSON it should be, or too long.
	ErrAnswer = errors.New("not an answer of FlashQ")
	// ErrName is returned, and nothing is sent, when the name of a topic or group can't stand in a path: "", "." or "..".
	ErrName = errors.New("a name that no topic or group can have")
)

// Error is an answer that is no success, in the API's words.
type Error struct {
	Status  int    // of HTTP
	Code    string // such as topic_not_found; "" when the answer is not of the API's shape
	Message string // for people
	// Details are the answer's, by name; numbers are json.Number. Never nil.
	Details    map[string]any
	Retryable  bool          // the same request may do better later
	RetryAfter time.Duration // how long the server asks to wait before that; 0: it doesn't say
	RequestID  string        // FlashQ-Request-Id: names the request, as X-Request-Id if the client sent one
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%d: %s", e.Status, e.Message)
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// refusal reads the API's error shape. Where something between us and the server answered, it makes do with that.
func refusal(res *http.Response, body []byte) *Error {
	e := &Error{Status: res.StatusCode, RequestID: res.Header.Get("FlashQ-Request-Id")}
	var shape struct {
		Error     string         `json:"error"`
		Message   string         `json:"message"`
		Details   map[string]any `json:"details"`
		Retryable bool           `json:"retryable"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&shape); err == nil && shape.Error != "" {
		e.Code, e.Message, e.Details, e.Retryable = shape.Error, shape.Message, shape.Details, shape.Retryable
	} else {
		e.Message = strings.TrimSpace(http.StatusText(res.StatusCode) + " " + firstWords(body))
	}
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.RetryAfter = retryAfter(res.Header, e.Details)
	return e
}

// retryAfter prefers the milliseconds in the details to the header's seconds.
func retryAfter(h http.Header, details map[string]any) time.Duration {
	if n, ok := details["retry_after_ms"].(json.Number); ok {
		if ms, err := n.Int64(); err == nil && ms > 0 && ms <= int64(time.Hour/time.Millisecond) {
			return time.Duration(ms) * time.Millisecond
		}
	}
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// firstWords is as much of a stranger's answer as fits a line.
func firstWords(body []byte) string {
	const most = 200
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte{'\n'})
	if len(line) > most {
		line = append(line[:most:most], "..."...)
	}
	if len(line) == 0 || !utf8.Valid(line) {
		return ""
	}
	return strconv.Quote(string(line))
}

// sourceError marks an error of the reader that a caller gave as a body: that is nobody's absence.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "client: read the body to send: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
