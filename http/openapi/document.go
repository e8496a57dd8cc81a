package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"flashq/http/fault"
	"flashq/http/schema"
)

const version = "3.1.0"

type object = map[string]any

// Document is the surface as OpenAPI describes it, in JSON.
func Document(info *Info, operations []Operation) ([]byte, error) {
	d := &document{info: info, headers: object{}, examples: object{}}
	paths := object{}
	for i := range operations {
		o := &operations[i]
		item, _ := paths[o.Path].(object)
		if item == nil {
			item = object{}
			paths[o.Path] = item
		}
		item[strings.ToLower(o.Method)] = d.operation(o)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(object{
		"openapi": version,
		"info": object{
			"title": info.Title, "version": info.Version, "description": info.Doc, "license": object{"name": "MIT"},
		},
		"servers":  []object{{"url": "/", "description": "the broker that serves this document"}},
		"tags":     tagsOf(operations),
		"security": []object{{}, {"bearer": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas": info.Named, "headers": d.headers, "examples": d.examples,
			"securitySchemes": object{"bearer": object{
				"type": "http", "scheme": "bearer", "description": "where the broker runs with --auth-file",
			}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("openapi: encode the document: %w", err)
	}
	return text.Bytes(), nil
}

// document is one that is being made.
type document struct {
	info              *Info
	headers, examples object
}

func tagsOf(operations []Operation) (tags []object) {
	for i := range operations {
		name := operations[i].Tag
		if !slices.ContainsFunc(tags, func(t object) bool { return t["name"] == name }) {
			tags = append(tags, object{"name": name})
		}
	}
	return tags
}

func (d *document) operation(o *Operation) object {
	op := object{
		"operationId": o.ID, "summary": o.Summary, "tags": []string{o.Tag}, "responses": d.responses(o),
	}
	if o.Alias {
		op["deprecated"] = true
	}
	switch o.Scope {
	case "":
		op["security"] = []object{}
	default:
		op["description"] = "With tokens: needs the scope `" + o.Scope + "`."
	}
	if params := d.params(o); len(params) > 0 {
		op["parameters"] = params
	}
	if o.Body != nil {
		op["requestBody"] = object{
			"description": o.Body.Doc, "required": o.Body.Required, "content": d.content(o.Body.Content),
		}
	}
	return op
}

func (d *document) params(o *Operation) (params []object) {
	for _, p := range o.Params {
		param := object{"name": p.Name, "in": p.In, "schema": p.Type.Says(""), "description": p.Type.Description}
		if p.Required || p.In == "path" {
			param["required"] = true
		}
		if p.AllowEmpty {
			param["allowEmptyValue"] = true
		}
		if example := p.Type.Example(d.info.Named.Find); example != nil {
			param["example"] = example
		}
		params = append(params, param)
	}
	return params
}

func (d *document) content(list []Content) object {
	all := object{}
	for _, c := range list {
		media := object{"schema": c.Type}
		if c.Lines != nil {
			media["x-lines"] = c.Lines
		}
		example := c.Example
		if example == nil {
			example = c.Type.Example(d.info.Named.Find)
		}
		if example != nil {
			media["example"] = example
		}
		all[c.Media] = media
	}
	return all
}

func (d *document) responses(o *Operation) object {
	all := object{}
	for _, a := range o.Answers {
		answer := object{
			"description": a.Doc, "headers": d.headersOf(slices.Concat(d.info.Every, a.Headers)),
		}
		if a.Content != nil {
			answer["content"] = d.content(a.Content)
		}
		all[strconv.Itoa(a.Status)] = answer
	}
	faults := slices.Clone(o.Faults)
	slices.SortStableFunc(faults, func(a, b *fault.Kind) int { return cmp.Compare(a.Status, b.Status) })
	for len(faults) > 0 {
		status := faults[0].Status
		n := slices.IndexFunc(faults, func(k *fault.Kind) bool { return k.Status != status })
		if n < 0 {
			n = len(faults)
		}
		d.addFaults(all, status, faults[:n])
		faults = faults[n:]
	}
	return all
}

// addFaults describes the errors of one status.
func (d *document) addFaults(all object, status int, kinds []*fault.Kind) {
	var says []string
	examples := object{}
	for _, k := range kinds {
		name := strconv.Itoa(status) + "_" + k.Code
		says = append(says, "`"+k.Code+"`: "+k.When)
		examples[k.Code] = object{"$ref": "#/components/examples/" + name}
		d.examples[name] = object{"summary": k.When, "value": k.Example()}
	}
	headers := slices.Clone(d.info.Every)
	for _, h := range d.info.Errors {
		has := func(k *fault.Kind) bool { return slices.Contains(k.Headers(), h.Name) }
		if slices.ContainsFunc(kinds, has) {
			h.Always = h.Always && !slices.ContainsFunc(kinds, func(k *fault.Kind) bool { return !has(k) })
			headers = append(headers, h)
		}
	}
	known, _ := all[strconv.Itoa(status)].(object)
	if known != nil { // an answer of the route's own has the status, too, and the shape
		known["description"] = known["description"].(string) + "; or " + strings.Join(says, "; ")
		known["headers"] = d.headersOf(headers)
		return
	}
	all[strconv.Itoa(status)] = object{
		"description": http.StatusText(status) + ". " + strings.Join(says, "; "),
		"headers":     d.headersOf(headers),
		"content": object{"application/json": object{
			"schema": object{"$ref": schema.Prefix + "Error"}, "examples": examples,
		}},
	}
}

// headersOf refers to headers, which it puts among the components.
func (d *document) headersOf(list []Header) object {
	all := object{}
	for _, h := range list {
		name := h.Component()
		all[h.Name] = object{"$ref": "#/components/headers/" + name}
		header := object{"schema": h.Type.Says(""), "description": h.Type.Description}
		if h.Always {
			header["required"] = true
		}
		if example := h.Type.Example(d.info.Named.Find); example != nil {
			header["example"] = example
		}
		d.headers[name] = header
	}
	return all
}
