package fault

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
)

// Details are what an error tells a program beside its code.
type Details map[string]any

// Error is an answer that is not a success, in the words of the contract.
type Error struct {
	Kind    *Kind
	Message string
	Details Details
	Accepts string // the Accept-Encoding header of a 415
	// Challenge is the WWW-Authenticate header of a 401.
	Challenge string
	Wait      int // seconds until a later try may do better; 0: as ever
}

// New is an error of the kind; its message is for people: what is wrong, why, and what to type next.
func (k *Kind) New(message string, d Details) *Error {
	return &Error{Kind: k, Message: message, Details: d}
}

func (e *Error) Error() string { return e.Kind.Code + ": " + e.Message }

// With adds a detail, and gives the error back.
func (e *Error) With(name string, value any) *Error {
	if e.Details == nil {
		e.Details = Details{}
	}
	e.Details[name] = value
	return e
}

// RetryAfter is how many seconds 429 and 503 ask a client to wait, unless they know better.
const RetryAfter = 1

// RetryAfter is how many seconds a client should wait.
func (e *Error) RetryAfter() int { return cmp.Or(e.Wait, RetryAfter) }

// shape is the one shape of errors.
type shape struct {
	Error     string  `json:"error" doc:"what is wrong, for programs" example:"topic_not_found"`
	Message   string  `json:"message" doc:"what is wrong, why, and what to type next" example:"Topic 'news' not found"`
	Details   Details `json:"details" doc:"what more there is to say; depends on the error" example:"{\"topic\":\"news\"}"`
	Retryable bool    `json:"retryable" doc:"the same request may do better later" example:"false"`
}

// SchemaName implements schema.Named.
func (shape) SchemaName() string { return "Error" }

// MarshalJSON writes the one shape of errors.
func (e *Error) MarshalJSON() ([]byte, error) {
	extra := e.Details
	if extra == nil {
		extra = Details{}
	}
	if e.Kind == Overloaded {
		extra["retry_after_ms"] = 1000 * e.RetryAfter()
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(shape{e.Kind.Code, e.Message, extra, e.Kind.Retryable})
	return text.Bytes(), err
}

// Quote shows what a client sent within a message.
func Quote(s string) string { return "'" + Clip(s) + "'" }

// Clip cuts what a client sent to a length that is worth sending back.
func Clip(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
