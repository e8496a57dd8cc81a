package http

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"flashq/auth"
	"flashq/http/fault"
	"flashq/http/fetch"
	"flashq/http/openapi"
	"flashq/http/recordjson"
	"flashq/http/request"
	"flashq/http/schema"
)

// told is what the document of the surface says of a handler.
type told struct {
	params []request.Typed                          // of the query
	needed string                                   // the query parameter that has to be there
	heads  []openapi.Param                          // of the request's head, beside those of all routes
	body   *openapi.Body                            // nil: it reads none
	shows  func(r schema.Registry) []openapi.Answer // those that go well
	faults []*fault.Kind                            // what can go wrong here, and not on every route like it
}

// takes tells whether a parameter of the query is one of the handler's.
func (t *told) takes(param string) bool {
	return slices.ContainsFunc(t.params, func(p request.Typed) bool { return p.Name == param })
}

// reads describes the body of a handler, which is a JSON object of at most so many bytes. Without needed it may be
// empty.
func (h handler) reads(object *schema.Schema, needed bool, most int) handler {
	h.most, h.bodies = most, request.OnlyJSON
	h.body = &openapi.Body{Required: needed, Content: []openapi.Content{{Media: "application/json", Type: object}}}
	return h
}

// writes describes a handler that writes its answer itself.
func (h handler) writes(media string, text *schema.Schema) handler {
	h.shows = func(schema.Registry) []openapi.Answer {
		coding := schema.OneOf("zstd", "gzip").Says("of an answer that is compressed")
		return []openapi.Answer{{
			Status: 200, Doc: "It is so.", Content: []openapi.Content{{Media: media, Type: text}},
			Headers: []openapi.Header{{Name: "Content-Encoding", Type: coding}},
		}}
	}
	return h
}

// orEvents describes a handler that shows an A once, or as one event of a stream after the other.
func orEvents[A any](h handler) handler {
	h.answers = request.JSONOrEvents
	h.shows = func(r schema.Registry) []openapi.Answer {
		list := answering[A](r)
		list[0].Content = append(list[0].Content, openapi.Content{Media: "text/event-stream",
			Type: schema.String().Like("event: stats\ndata: {}\n\n").
				Says("server-sent events, whose data are what one answer of JSON is")})
		list[0].Headers = []openapi.Header{fetch.UnbufferedHeader}
		return list
	}
	return h.fails(fault.NotAcceptable, fault.Draining)
}

// creates has a handler answer 201 where it made something.
func (h handler) creates() handler {
	shows := h.shows
	h.shows = func(r schema.Registry) []openapi.Answer {
		list := shows(r)
		made := list[0]
		made.Status, made.Doc = 201, "It was made."
		return append(list, made)
	}
	return h
}

// notReady has a handler answer 503 in the shape of its answer.
func (h handler) notReady() handler {
	shows := h.shows
	h.shows = func(r schema.Registry) []openapi.Answer {
		list := shows(r)
		not := list[0]
		not.Status, not.Doc, not.Headers = 503, "It does not: reason says why.", []openapi.Header{retryAfter}
		return append(list, not)
	}
	return h
}

// needs makes a query parameter one that has to be there.
func (h handler) needs(name string) handler {
	h.needed = name
	return h
}

// lenient lets an object have other members, which mean nothing.
func lenient(object *schema.Schema) *schema.Schema {
	object.Rest = true
	return object
}

// fails tells what can go wrong in a handler, beside what can in any of its kind.
func (h handler) fails(kinds ...*fault.Kind) handler {
	h.faults = append(slices.Clone(h.faults), kinds...)
	return h
}

// mediaOf is what an answer of the type is written in.
func mediaOf[A any]() []request.Media {
	if reflect.TypeFor[A]() == reflect.TypeFor[noContent]() {
		return nil
	}
	return request.OnlyJSON
}

// answering describes an answer by its type.
func answering[A any](r schema.Registry) []openapi.Answer {
	t := reflect.TypeFor[A]()
	if t == reflect.TypeFor[noContent]() {
		return []openapi.Answer{{Status: 204, Doc: "It is done."}}
	}
	return []openapi.Answer{{
		Status: 200, Doc: "It is so.", Content: []openapi.Content{{Media: "application/json", Type: r.Of(t)}},
	}}
}

// Parameters in the head of a request.
var (
	headRequestID = openapi.Param{Name: "X-Request-Id", In: "header", Type: schema.String().Like("try-42").
			Says("comes back as FlashQ-Request-Id, if it is 1 to 128 printable characters and no token")}
	headIdempotencyKey = openapi.Param{Name: "Idempotency-Key", In: "header", Type: schema.Text(
		`^("[ -~]{1,128}"|[!-~][ -~]{0,127})$`).Like("8e03978e-40d5-43e8-bc93-6894a57f9324").
		Says("new for each request, the same for each try of it: its records are stored once")}
	headLastEventID = openapi.Param{Name: "Last-Event-ID", In: "header",
		Type: schema.String().Like("0:15").
			Says("of a stream: the id of the last event that was seen; wins over any other start")}
	headAcceptEncoding = openapi.Param{Name: "Accept-Encoding", In: "header",
		Type: schema.String().Like("zstd, gzip").Says("zstd and gzip are served, of answers above 1 KiB")}
	headContentEncoding = openapi.Param{Name: "Content-Encoding", In: "header",
		Type: schema.OneOf("identity", "gzip", "x-gzip", "zstd", "").Says("of the body")}
)

// Headers of all answers, and of errors.
var (
	answerHeaders = []openapi.Header{
		{Name: "FlashQ-Request-Id", Always: true,
			Type: schema.String().Like("5f3a2b1c-2s").Says("names the request: what X-Request-Id said, or a new one")},
		{Name: "Cache-Control", Always: true, Type: schema.String().Like("no-store")},
		{Name: "Vary", Always: true, Type: schema.String().Like("Accept, Accept-Encoding")},
		{Name: "Access-Control-Allow-Origin", Type: schema.String().Like("http://localhost:3000").
			Says("the request's Origin, if --cors-origin lists it")},
		{Name: "Access-Control-Expose-Headers", Type: schema.String().Like("FlashQ-Position").
			Says("what the pages of that origin may see of these headers")},
	}
	retryAfter = openapi.Header{
		Name: "Retry-After", Always: true, Type: schema.Int(1, 1<<31-1).Like(1).Says("seconds to wait"),
	}
	errorHeaders = []openapi.Header{
		retryAfter,
		{Name: "Accept-Encoding", Type: schema.String().Like("gzip, zstd").Says("what is taken, if that was wrong")},
		{Name: "WWW-Authenticate", Always: true, Type: schema.String().Like("Bearer").Says("how to say who asks")},
	}
)

const documentText = `FlashQ is a record queue over plain HTTP. Beside what is listed here:

- HEAD works on every GET, and neither waits, joins nor acknowledges. OPTIONS answers 204 with Allow.
- A path that is not listed is 404 not_found, a method that is not is 405 method_not_allowed with Allow, both in the
  shape of any error.
- Unknown query parameters, and unknown members of JSON bodies, are errors; of the bodies of deprecated routes, which
  are aliases for clients of FlashQ in Rust, unknown members mean nothing.
- Headers FlashQ-Header-NAME of a request are those of the record that a raw body is (text/plain,
  application/octet-stream).
- Answers may get more members and headers with time.`

// document describes the surface.
func (s surface) document(version string) ([]byte, error) {
	named := schema.Registry{}
	fault.Describe(named)
	recordjson.Describe(named, request.RecordTime.Pattern)
	info := &openapi.Info{
		Title: "FlashQ", Version: version, Doc: documentText, Named: named, Every: answerHeaders, Errors: errorHeaders,
	}
	operations := make([]openapi.Operation, len(s))
	for i := range s {
		operations[i] = s[i].describe(named)
	}
	return openapi.Document(info, operations)
}

// describe tells of one route what its row and its handler know.
func (r *route) describe(named schema.Registry) openapi.Operation {
	return openapi.Operation{
		ID: r.id, Method: r.method, Path: r.pattern, Summary: r.summary, Tag: r.tag(), Alias: r.isAlias(),
		Scope: r.scopeName(), Params: r.parameters(), Body: r.body, Answers: r.shows(named), Faults: r.everyFault(),
	}
}

// scopeName is what a token must allow; "" where none is needed.
func (r *route) scopeName() string {
	if r.scope == auth.Open {
		return ""
	}
	return r.scope.String()
}

// tag is the noun that a route is about.
func (r *route) tag() string {
	switch {
	case r.isAlias():
		return "aliases"
	case strings.HasSuffix(r.pattern, "/records"):
		return "records"
	case strings.HasPrefix(r.pattern, "/topics"):
		return "topics"
	case strings.HasPrefix(r.pattern, "/groups"):
		return "groups"
	}
	return "operations"
}

var pathName = regexp.MustCompile(`\{(\w+)\}`)

func (r *route) parameters() (params []openapi.Param) {
	types := map[string]*schema.Schema{
		"topic":  request.TopicName.Says("the topic's name"),
		"group":  request.GroupName.Says("the group's name"),
		"member": request.GroupName.Like("anna").Says("the member's name"),
	}
	for _, match := range pathName.FindAllStringSubmatch(r.pattern, -1) {
		params = append(params, openapi.Param{Name: match[1], In: "path", Type: types[match[1]]})
	}
	for _, p := range r.params {
		params = append(params, openapi.Param{Name: p.Name, In: "query", Type: p.Type, AllowEmpty: p.EmptyIsNone,
			Required: p.Name == r.needed})
	}
	params = append(params, headRequestID)
	if r.bodies != nil {
		params = append(params, headContentEncoding)
	}
	return append(params, r.heads...)
}

// everyFault lists what can go wrong on a route: on any, on any like it, and in its handler.
func (r *route) everyFault() []*fault.Kind {
	kinds := []*fault.Kind{
		fault.InvalidRequest, fault.InvalidParameter, fault.Forbidden, fault.Overloaded, fault.HeadersTooLarge,
		fault.Internal,
	}
	if strings.Contains(r.pattern, "{") {
		kinds = append(kinds, fault.OutOfRange)
	}
	if r.scope != auth.Open {
		kinds = append(kinds, fault.Unauthorized)
	}
	if !r.isProbe() {
		kinds = append(kinds, fault.Recovering, fault.Draining, fault.StorageError, fault.TooManyFiles)
	}
	if r.answers != nil && !r.isProbe() {
		kinds = append(kinds, fault.NotAcceptable)
	}
	if r.method != "GET" {
		kinds = append(kinds, fault.OriginNotAllowed, fault.DiskFull)
	}
	if r.bodies != nil {
		kinds = append(kinds, fault.RequestTimeout, fault.InvalidJSON, fault.OutOfRange, fault.BodyTooLarge,
			fault.UnsupportedMediaType, fault.WrongType)
	}
	for _, k := range r.faults {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b *fault.Kind) int { return strings.Compare(a.Code, b.Code) })
	return slices.Compact(kinds)
}
