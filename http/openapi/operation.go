package openapi

import (
	"strings"

	"flashq/http/fault"
	"flashq/http/schema"
)

// Operation is what a client needs to know of one route.
type Operation struct {
	ID      string
	Method  string
	Path    string // with names in braces
	Summary string
	Tag     string
	Alias   bool   // of another route, for clients of another system
	Scope   string // what a token must allow; "": none is needed
	Params  []Param
	Body    *Body // nil: none is read
	Answers []Answer
	Faults  []*fault.Kind // what it may answer instead
}

// Param is a parameter in the path, the query or the head.
type Param struct {
	Name, In   string
	Type       *schema.Schema // and a line for people
	AllowEmpty bool           // an empty value is as if it were not there
	Required   bool           // always of one in the path
}

// Body is what a request may bring.
type Body struct {
	Doc      string
	Required bool
	Content  []Content
}

// Answer is one that goes well.
type Answer struct {
	Status  int
	Doc     string
	Content []Content // nil: it has no body
	Headers []Header
}

// Content is a body in one media type.
type Content struct {
	Media   string
	Type    *schema.Schema
	Lines   *schema.Schema // what each line, or event, of a text is; nil: no text of lines
	Example any            // nil: that of the type
}

// Header is one of an answer's.
type Header struct {
	Name   string
	Type   *schema.Schema // and a line for people
	Always bool
}

// Component is the name by which the header is referred to.
func (h *Header) Component() string {
	name := strings.ReplaceAll(h.Name, "*", "name")
	if h.Always {
		name += "-always"
	}
	return name
}

// Info is what the document says of the broker.
type Info struct {
	Title, Version, Doc string
	Named               schema.Registry // what references point to
	Every               []Header        // of every answer
	Errors              []Header        // of errors, of those kinds that name them
}
