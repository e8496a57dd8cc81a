package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// checkRequest holds the request against its operation.
func (o *operation) checkRequest() error {
	if coding := o.e.request.Header.Get("Content-Encoding"); coding != "" {
		o.e.request.Header.Set("Content-Encoding", strings.ToLower(strings.TrimSpace(coding)))
	}
	query := o.e.request.URL.Query()
	sort := []string{o.id}
	for name := range query {
		if o.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("the parameter %s is not documented", name)
		}
	}
	for i, p := range o.Parameters {
		value, there := o.valueOf(p.Value, query)
		if !there && p.Value.Required {
			return fmt.Errorf("the parameter %s is missing", p.Value.Name)
		}
		if !there || value == "" && p.Value.AllowEmptyValue {
			continue
		}
		at := o.at + pointer("parameters", strconv.Itoa(i), "schema")
		if err := o.holdsPlain(at, p.Value.Schema, value); err != nil {
			return fmt.Errorf("the parameter %s: %w", p.Value.Name, err)
		}
		if o.see(p.Value.In, p.Value.Name); p.Value.In == "header" {
			o.contract.see("header", p.Value.Name, "of a request")
		}
		sort = append(sort, p.Value.Name)
	}
	body, err := decoded(o.e.request.Header, o.e.asked)
	if err != nil {
		return err
	}
	if o.RequestBody != nil && len(body) > 0 {
		media, _, _ := strings.Cut(strings.ToLower(o.e.request.Header.Get("Content-Type")), ";")
		content := o.RequestBody.Value.Content.Get(media)
		if content == nil {
			return fmt.Errorf("the media type %q is not documented", media)
		}
		o.see("body", media)
		if err := o.checkBody(content, media, body, o.at+pointer("requestBody", "content", media)); err != nil {
			return err
		}
		sort = append(sort, media)
	}
	if len(o.e.asked) == 0 && o.RequestBody != nil && o.RequestBody.Value.Required {
		return nil // the one value that a raw body may be, and that kin takes for no body
	}
	if o.once(strings.Join(sort, " ")) {
		return o.kinRequest(body)
	}
	return nil
}

// kinRequest has kin-openapi judge the request.
func (o *operation) kinRequest(body []byte) error {
	o.e.request.Body = io.NopCloser(bytes.NewReader(body))
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: o.e.request, PathParams: o.path, Route: o.route, Options: filterOptions,
	})
}

// valueOf is what the request says for a parameter.
func (o *operation) valueOf(p *openapi3.Parameter, query url.Values) (value string, there bool) {
	switch p.In {
	case "path":
		value, there = o.path[p.Name]
	case "query":
		there = query.Has(p.Name)
		value = query.Get(p.Name)
	case "header":
		there = len(o.e.request.Header.Values(p.Name)) > 0
		value = o.e.request.Header.Get(p.Name)
	}
	return value, there
}

// checkLines holds each line, or the data of each event, against what the document says that it is.
func (o *operation) checkLines(at, media string, body []byte) error {
	name := ""
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		if media == "text/event-stream" {
			field, data, _ := bytes.Cut(line, []byte(": "))
			switch string(field) {
			case "event":
				name = string(data)
				continue
			case "data":
				if line = data; name != "" && name != "error" {
					line = []byte(`{"` + name + `":` + string(data) + `}`)
				}
				name = ""
			case "", "id", "id:", "retry":
				continue
			default:
				return fmt.Errorf("no line of an event: %s", line)
			}
		}
		if len(line) == 0 {
			continue
		}
		if err := o.holdsText(at, line); err != nil {
			return fmt.Errorf("%.200s: %w", line, err)
		}
	}
	return nil
}
