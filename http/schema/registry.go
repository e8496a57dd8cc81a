package schema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Registry holds the schemas of Go types that have a name, by that name.
type Registry map[string]*Schema

// Prefix is where references to named schemas point.
const Prefix = "#/components/schemas/"

// Find resolves a reference.
func (r Registry) Find(ref string) *Schema { return r[strings.TrimPrefix(ref, Prefix)] }

// Describer is a type that encodes itself, and says how.
type Describer interface{ Schema() *Schema }

// Lister is a type that is written as a list of its items.
type Lister interface{ Item() reflect.Type }

// Named is a type whose schema has another name than the type.
type Named interface{ SchemaName() string }

// Of gives the schema of a type by the tags of its fields. A named struct is put into the registry, and referred to.
//
//	json       its name; omitempty may be left out
//	doc        a line for people
//	example    JSON, or else a string
//	min, max   bounds of a number
//	enum       the words that it may be
//	nullable   "true": may be null, as a pointer without omitempty may
//	pattern    a regular expression
func (r Registry) Of(t reflect.Type) *Schema {
	switch v := reflect.Zero(t).Interface().(type) {
	case Describer:
		return v.Schema()
	case Lister:
		return &Schema{Type: "array", Items: r.Of(v.Item())}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.Of(t.Elem())
	case reflect.String:
		return String()
	case reflect.Bool:
		return Bool()
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint32:
		return &Schema{Type: "integer", Format: "int64"}
	case reflect.Int32, reflect.Int16:
		return &Schema{Type: "integer", Format: "int32"}
	case reflect.Float64:
		return &Schema{Type: "number", Format: "double"}
	case reflect.Slice:
		return &Schema{Type: "array", Items: r.Of(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", Rest: r.Of(t.Elem())}
	case reflect.Interface:
		return &Schema{}
	case reflect.Struct:
		return r.ofStruct(t)
	}
	panic("schema: no schema for " + t.String()) // our own types only
}

func (r Registry) ofStruct(t reflect.Type) *Schema {
	name := exported(t.Name())
	if named, ok := reflect.Zero(t).Interface().(Named); ok {
		name = named.SchemaName()
	}
	if name == "" {
		return r.object(t)
	}
	if _, there := r[name]; !there {
		r[name] = &Schema{} // so that a type may hold itself
		r[name] = r.object(t)
	}
	return &Schema{Ref: Prefix + name}
}

func (r Registry) object(t reflect.Type) *Schema {
	o := &Schema{Type: "object", Properties: map[string]*Schema{}}
	r.addFields(o, t)
	return o
}

func (r Registry) addFields(o *Schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			r.addFields(o, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		optional := strings.Contains(options, "omitempty")
		o.Properties[name] = r.field(f, optional)
		if !optional {
			o.Required = append(o.Required, name)
		}
	}
}

// field is a member's schema, of its type and of what its tags say beside it.
func (r Registry) field(f reflect.StructField, optional bool) *Schema {
	s := *r.Of(f.Type)
	if p := f.Tag.Get("pattern"); p != "" {
		s.Pattern = p
	}
	if words := f.Tag.Get("enum"); words != "" {
		s.Enum = strings.Split(words, ",")
	}
	for tag, bound := range map[string]**int64{"min": &s.Minimum, "max": &s.Maximum} {
		if text := f.Tag.Get(tag); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				panic("schema: " + f.Name + ": " + err.Error())
			}
			*bound = &n
		}
	}
	if text := f.Tag.Get("example"); text != "" {
		s.Examples = []any{exampleOf(text)}
	}
	known := &s
	if f.Type.Kind() == reflect.Pointer && !optional || f.Tag.Get("nullable") == "true" {
		known = s.OrNull()
	}
	return known.Says(f.Tag.Get("doc"))
}

// exampleOf reads an example that is JSON; any other text is a string.
func exampleOf(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// exported gives a type's name as others see it.
func exported(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + name[size:]
}
