package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	nethttp "net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/klauspost/compress/zstd"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the document of the surface, which every request and answer of the tests is held against, and what of it
// they have shown.
//
// kin-openapi judges the first exchange of each sort: it compiles its schemas anew for each value, which takes
// milliseconds. What varies within a sort, the values, is held against the same schemas by the validator that kin uses
// itself, where they are compiled once.
type contract struct {
	document *openapi3.T
	compiler *jsonschema.Compiler

	mu     sync.Mutex
	seen   map[string]bool
	judged map[string]bool // by kin
}

// surfaceContract reads the document once, as a server with default bounds serves it. In the answers that it describes
// no member may stand that it does not: clients are told that there may come more, tests are not.
var surfaceContract = sync.OnceValue(func() *contract {
	text, err := New(Config{}).table.document("test")
	if err != nil {
		panic(err)
	}
	text = closed(text)
	c := &contract{compiler: jsonschema.NewCompiler(), seen: map[string]bool{}, judged: map[string]bool{}}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.compiler.AddResource(documentURL, whole)
	}
	if err == nil {
		c.compiler.AssertFormat()
		c.document, err = openapi3.NewLoader().LoadFromData(text)
	}
	if err != nil {
		panic(err)
	}
	asText := func(body io.Reader, _ nethttp.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		all, err := io.ReadAll(body)
		return string(all), err
	}
	for _, media := range []string{
		"application/x-ndjson", "application/jsonl", "application/vnd.kafka.recordbatch.v2", "text/event-stream",
		"application/octet-stream",
	} {
		openapi3filter.RegisterBodyDecoder(media, asText)
	}
	return c
})

const documentURL = "https://flashq/openapi.json"

// closed lets no object have more members than it names. What may be anything says so by its types: kin takes no null
// where there is none.
func closed(text []byte) []byte {
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			_, members := v["properties"].(map[string]any)
			if _, told := v["additionalProperties"]; members && !told && v["type"] == "object" {
				v["additionalProperties"] = false
			}
			if value, there := v["value"].(map[string]any); there && value["description"] != nil && len(value) == 1 {
				value["type"] = []any{"string", "object", "array", "number", "boolean", "null"}
			}
			for _, item := range v {
				walk(item)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(d)
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return text
}

var filterOptions = &openapi3filter.Options{
	IncludeResponseStatus: true, SkipSettingDefaults: true,
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
}

// headersOfHTTP are those of any answer, of which the document says nothing.
var headersOfHTTP = []string{"Content-Type", "Content-Length", "Connection", "Date", "Transfer-Encoding"}

// check holds one request and its answer against the document.
func (c *contract) check(table surface, e *roundTrip) error {
	row, path := find(table, e.request)
	if row == nil {
		return c.checkStray(e)
	}
	item := c.document.Paths.Value(row.pattern)
	o := &operation{
		contract: c, Operation: item.GetOperation(row.method), id: row.id, e: e, path: path,
		at: "/paths" + pointer(row.pattern, strings.ToLower(row.method)),
	}
	o.route = &routers.Route{
		Spec: c.document, Path: row.pattern, PathItem: item, Method: row.method, Operation: o.Operation,
	}
	err := o.checkAnswer()
	if err == nil && e.answer.StatusCode < 300 && e.request.Method != "HEAD" {
		if err = o.checkRequest(); err != nil {
			err = fmt.Errorf("the broker took a request that is not as documented: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s -> %d %.200q: %w", e.request.Method, e.request.RequestURI, e.answer.StatusCode, e.body, err)
	}
	return nil
}

// operation is one of the document's, with an exchange that is held against it.
type operation struct {
	*contract
	*openapi3.Operation

	id    string
	at    string // where it stands in the document
	route *routers.Route
	path  map[string]string // names
	e     *roundTrip
}

// pointer is the way down to a part of the document.
func pointer(names ...string) (p string) {
	for _, name := range names {
		p += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return p
}

// find gives the row of a request, and the names in its path.
func find(table surface, r *nethttp.Request) (row *route, path map[string]string) {
	if r == nil {
		return nil, nil
	}
	method := r.Method
	if method == "HEAD" {
		method = "GET"
	}
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if u, err := url.Parse(r.RequestURI); err == nil && u.IsAbs() {
		asked = u.EscapedPath()
	}
	if row = table.find(method, asked); row == nil {
		return nil, nil
	}
	path = map[string]string{}
	rest := asked
	for pattern := row.pattern; pattern != ""; {
		var field, segment string
		field, pattern = firstSegment(pattern)
		segment, rest = firstSegment(rest)
		if name, ok := strings.CutPrefix(field, "{"); ok {
			if segment == "" {
				return nil, nil
			}
			path[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(segment)
		}
	}
	return row, path
}

// see remembers that a test has shown something.
func (c *contract) see(about ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[strings.Join(about, " ")] = true
}

// once tells whether kin has still to judge this sort of exchange.
func (c *contract) once(sort string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.judged[sort]
	c.judged[sort] = true
	return !was
}

// holds judges a value by the schema that stands somewhere in the document.
func (c *contract) holds(at string, value any) error {
	c.mu.Lock()
	s, err := c.compiler.Compile(documentURL + "#" + (&url.URL{Path: at}).EscapedPath())
	c.mu.Unlock()
	if err == nil {
		err = s.Validate(value)
	}
	return err
}

// holdsText does the same of JSON.
func (c *contract) holdsText(at string, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.holds(at, value)
	}
	return err
}

// holdsPlain does the same of the text of a parameter or a header.
func (c *contract) holdsPlain(at string, schema *openapi3.SchemaRef, text string) error {
	value := any(text)
	if t := schema.Value.Type; t.Is("integer") || t.Is("boolean") {
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
			value = v
		}
	}
	return c.holds(at, value)
}

// checkStray holds the answer to what is no route: its errors are those of any.
func (c *contract) checkStray(e *roundTrip) error {
	about := "what is no request"
	if e.request != nil {
		about = e.request.Method + " " + e.request.RequestURI
		if e.request.Method == "HEAD" || e.request.Method == "OPTIONS" {
			return nil
		}
	}
	if e.request == nil && e.answer.StatusCode < 300 {
		return nil // net/http reads less than the broker
	}
	if err := c.holdsText("/components/schemas/Error", e.body); err != nil {
		return fmt.Errorf("%s -> %d %.200q: %w", about, e.answer.StatusCode, e.body, err)
	}
	c.see("any", strconv.Itoa(e.answer.StatusCode), e.errorCode())
	return nil
}

func (e *roundTrip) errorCode() string {
	var said struct{ Error string }
	_ = json.Unmarshal(e.body, &said) // "" is no code
	return said.Error
}

// checkAnswer holds the answer against its operation.
func (o *operation) checkAnswer() error {
	status, header := strconv.Itoa(o.e.answer.StatusCode), o.e.answer.Header
	response := o.Responses.Value(status)
	if response == nil {
		return errors.New("this status is not documented")
	}
	o.contract.see(o.id, status)
	for name := range header {
		known := headerOf(response.Value, name)
		if known == "" {
			if slices.Contains(headersOfHTTP, name) {
				continue
			}
			return fmt.Errorf("the header %s is not documented", name)
		}
		at := strings.TrimPrefix(response.Value.Headers[known].Ref, "#") + "/schema"
		if err := o.holdsPlain(at, response.Value.Headers[known].Value.Schema, header.Get(name)); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
		o.contract.see("header", known)
	}
	if o.e.request.Method == "HEAD" || response.Value.Content == nil {
		return nil
	}
	media := header.Get("Content-Type")
	content := response.Value.Content.Get(media)
	if content == nil {
		return fmt.Errorf("the media type %q is not documented", media)
	}
	media, _, _ = strings.Cut(media, ";")
	o.see(status, media)
	body, err := decoded(header, o.e.body)
	if !o.e.whole {
		body, err = wholeLines(body), nil // a stream that was cut
	}
	if err == nil {
		err = o.checkBody(content, media, body, o.at+pointer("responses", status, "content", media))
	}
	if err == nil && len(content.Examples) > 0 {
		err = o.checkCode(status, content)
	}
	if err == nil && o.once(o.id+" "+status+" "+media) {
		err = o.kinAnswer(body)
	}
	return err
}

// checkBody holds a body in a media type against what stands there in the document.
func (o *operation) checkBody(content *openapi3.MediaType, media string, body []byte, at string) error {
	switch {
	case content.Extensions["x-lines"] != nil:
		return o.checkLines(at+"/x-lines", media, body)
	case media == "application/json":
		return o.holdsText(at+"/schema", body)
	}
	return nil // bytes are bytes
}

// kinAnswer has kin-openapi judge the answer.
func (o *operation) kinAnswer(body []byte) error {
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: o.e.request, PathParams: o.path, Route: o.route, Options: filterOptions,
		},
		Status: o.e.answer.StatusCode, Header: o.e.answer.Header, Options: filterOptions,
	}
	return openapi3filter.ValidateResponse(context.Background(), answer.SetBodyBytes(body))
}

// checkCode holds an error's code against those that its operation names.
func (o *operation) checkCode(status string, content *openapi3.MediaType) error {
	code := o.e.errorCode()
	o.see(status, code)
	o.contract.see("any", status, code)
	if content.Examples[code] == nil {
		return fmt.Errorf("the error %s is not documented here: only %v", code, slices.Sorted(maps.Keys(content.Examples)))
	}
	return nil
}

// headerOf is the name under which an answer's header is documented; "" is not at all.
func headerOf(r *openapi3.Response, name string) string {
	for known := range r.Headers {
		prefix, wild := strings.CutSuffix(known, "*")
		if strings.EqualFold(known, name) ||
			wild && len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return known
		}
	}
	return ""
}

// decoded gives a body without its coding; of one that is cut off, what is there.
func decoded(h nethttp.Header, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return body, nil
	}
	var plain io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		plain, err = gzip.NewReader(bytes.NewReader(body))
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(body)); err == nil {
			defer d.Close()
		}
		plain = d
	default:
		return body, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

// wholeLines leaves out what comes after the last line's end.
func wholeLines(body []byte) []byte { return body[:bytes.LastIndexByte(body, '\n')+1] }
