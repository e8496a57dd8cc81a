package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/recordjson"
)

// details is what an error tells a program beside its code.
type details map[string]any

// apiError is an answer that is not a success, in the words of the contract. Handlers return it; fail writes it.
type apiError struct {
	status  int
	code    string
	message string
	details details
	accepts string // the Accept-Encoding header of a 415
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// retryable tells a client that the same request may do better later.
func (e *apiError) retryable() bool {
	return e.status == 429 || e.status == 503 || e.code == "idempotency_in_flight"
}

// What 429 and 503 ask a client to wait.
const (
	retryAfterMs      = 1000
	retryAfterSeconds = "1"
)

// sentinels is the one table from what an engine can say to what the wire says. An empty message takes the error's own
// text, which is about the request's values; anything that is not here is a 500 whose text stays in the log.
var sentinels = []struct {
	err     error
	status  int
	code    string
	message string
}{
	{broker.ErrTopicNotFound, 404, "topic_not_found", "Topic not found"},
	{broker.ErrPartitionNotFound, 404, "partition_not_found", "Partition not found"},
	{broker.ErrPartitionsImmutable, 409, "partitions_immutable", "The partition count of a topic can't change"},
	{broker.ErrGroupNotFound, 404, "group_not_found", "Group not found"},
	{broker.ErrTooManyGroups, 409, "conflict", "The broker's limit of groups is reached"},
	{broker.ErrTooManyMembers, 409, "conflict", ""},
	{broker.ErrGroupActive, 409, "group_active", "The group has live members"},
	{broker.ErrMemberNotFound, 404, "member_not_found", "Member not found"},
	{broker.ErrTooManyTopics, 409, "conflict", "The broker's limit of topics is reached"},
	{broker.ErrConflict, 409, "conflict", "Something else stands where the topic's data would go"},
	{broker.ErrInvalid, 400, "validation_error", ""},
	{broker.ErrOverloaded, 429, "overloaded", "Storage is full for now; nothing was stored"},
	{broker.ErrDraining, 503, "draining", "The broker is shutting down"},
	{context.Canceled, 503, "draining", "The broker is shutting down"},
	{broker.ErrRecovering, 503, "recovering", "The broker is starting and reads its log"},
	{broker.ErrDiskFull, 503, "disk_full", "No room on the disk; nothing was stored"},
	{broker.ErrStorage, 503, "storage_error", "The partition's storage failed; writing needs a restart of the broker"},
	{errBodyTimeout, 408, "request_timeout", "The request did not arrive in time"},
	{errBodyBroken, 400, "invalid_request", "The request body is cut short or badly framed"},
}

const partiallyStored = "Some partitions stored their records and others could not"

// explain finds the answer for any error; known is false for one that only the log may show.
func explain(err error) (e *apiError, known bool) {
	var partial *broker.PartialError
	var record *recordjson.Error
	switch {
	case errors.As(err, &e):
		return e, true
	case errors.As(err, &record):
		return recordError(record), true
	case errors.As(err, &partial):
		return &apiError{status: 503, code: "partially_stored", message: partiallyStored}, true
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			message := s.message
			if message == "" {
				message = err.Error()
			}
			return &apiError{status: s.status, code: s.code, message: message}, true
		}
	}
	return &apiError{status: 500, code: "internal_error", message: "Internal error"}, false
}

// recordError puts a decoder's verdict on a body into the contract's words.
func recordError(r *recordjson.Error) *apiError {
	e := &apiError{status: 400, code: r.Code, message: r.Message, details: details{}}
	switch r.Code {
	case "record_validation_error":
		e.status = 422
	case "partition_not_found":
		e.status = 404
	}
	if r.Field != "" {
		e.details["field"] = r.Field
	}
	setIfGiven(e.details, "index", r.Index)
	setIfGiven(e.details, "max_size", r.MaxSize)
	setIfGiven(e.details, "actual_size", r.ActualSize)
	if r.Code == "partition_not_found" {
		setIfGiven(e.details, "partition", r.Partition)
	}
	return e
}

// setIfGiven leaves out what is -1.
func setIfGiven(d details, name string, value int) {
	if value >= 0 {
		d[name] = value
	}
}

// fail answers err. What a client still sends is read first, as far as that is reasonable: an answer before the end of
// the body is lost to a reset.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	e, known := explain(err)
	if !known {
		s.log.Error("request failed", "method", string(ctx.Method()), "path", string(ctx.Path()), "err", err)
	}
	s.discardBody(ctx)
	writeError(ctx, e)
}

// writeError writes the contract's one error shape.
func writeError(ctx *fasthttp.RequestCtx, e *apiError) {
	extra := e.details
	if extra == nil {
		extra = details{}
	}
	if e.status == 429 || e.status == 503 {
		ctx.Response.Header.Set("Retry-After", retryAfterSeconds)
	}
	if e.status == 429 {
		extra["retry_after_ms"] = retryAfterMs
	}
	if e.accepts != "" {
		ctx.Response.Header.Set("Accept-Encoding", e.accepts)
	}
	writeJSON(ctx, e.status, struct {
		Error     string  `json:"error"`
		Message   string  `json:"message"`
		Details   details `json:"details"`
		Retryable bool    `json:"retryable"`
	}{e.code, e.message, extra, e.retryable()})
}

// writeJSON answers with what encoding/json makes of v: for everything that is not records.
func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("http: answer has no JSON: " + err.Error()) // our own types only: a broken invariant
	}
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	ctx.Response.SetBody(bytes.TrimSuffix(text.Bytes(), []byte{'\n'}))
}
