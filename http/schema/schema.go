package schema

import "slices"

// Schema is what a value may be. Those that stand in tables are shared, and nobody changes them: the methods that say
// more give a copy.
type Schema struct {
	Ref         string   `json:"$ref,omitempty"`
	Type        any      `json:"type,omitempty"` // a string, or several
	Format      string   `json:"format,omitempty"`
	Description string   `json:"description,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	MinLength   int      `json:"minLength,omitempty"`
	MaxLength   int      `json:"maxLength,omitempty"`
	Minimum     *int64   `json:"minimum,omitempty"`
	Maximum     *int64   `json:"maximum,omitempty"`

	Items    *Schema `json:"items,omitempty"`
	MinItems int     `json:"minItems,omitempty"`
	MaxItems int     `json:"maxItems,omitempty"`

	Properties map[string]*Schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	Rest       any                `json:"additionalProperties,omitempty"` // a bool or a *Schema

	AnyOf []*Schema `json:"anyOf,omitempty"`
	OneOf []*Schema `json:"oneOf,omitempty"`
	AllOf []*Schema `json:"allOf,omitempty"`
	Not   *Schema   `json:"not,omitempty"`

	Default  any   `json:"default,omitempty"`
	Examples []any `json:"examples,omitempty"`
}

// Int is an integer from low to high.
func Int(low, high int64) *Schema {
	return &Schema{Type: "integer", Format: "int64", Minimum: &low, Maximum: &high}
}

// Bool is true or false.
func Bool() *Schema { return &Schema{Type: "boolean"} }

// String is any text.
func String() *Schema { return &Schema{Type: "string"} }

// Text is a text of a form, which a regular expression says.
func Text(pattern string) *Schema { return &Schema{Type: "string", Pattern: pattern} }

// Base64 is standard base64 with padding.
var Base64 = Text(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$`)

// OneOf is one of some words.
func OneOf(words ...string) *Schema { return &Schema{Type: "string", Enum: words} }

// Any is what one of some schemas says.
func Any(of ...*Schema) *Schema { return &Schema{AnyOf: of} }

// List is a list of items.
func List(items *Schema, least, most int) *Schema {
	return &Schema{Type: "array", Items: items, MinItems: least, MaxItems: most}
}

// Says is s with a line for people.
func (s *Schema) Says(line string) *Schema {
	more := *s
	more.Description = line
	return &more
}

// Like is s with an example.
func (s *Schema) Like(example any) *Schema {
	more := *s
	more.Examples = []any{example}
	return &more
}

// Else is s with what counts where there is no value.
func (s *Schema) Else(value any) *Schema {
	more := *s
	more.Default = value
	return &more
}

// UpTo is s with another largest value.
func (s *Schema) UpTo(high int64) *Schema {
	more := *s
	more.Maximum = &high
	return &more
}

// OrUnlimited is s, an integer above 0, or -1.
func (s *Schema) OrUnlimited() *Schema {
	more, least, zero := *s, int64(-1), int64(0)
	more.Minimum, more.Not = &least, &Schema{Minimum: &zero, Maximum: &zero}
	return &more
}

// OrNull is s, or null.
func (s *Schema) OrNull() *Schema {
	more := *s
	switch kind := s.Type.(type) {
	case string:
		more.Type = []string{kind, "null"}
	case []string:
		more.Type = append(slices.Clone(kind), "null")
	default:
		return &Schema{AnyOf: []*Schema{s, {Type: "null"}}, Examples: s.Examples}
	}
	return &more
}

// Example is a value that the schema takes: its own example, or one made of those of its parts; find resolves
// references.
func (s *Schema) Example(find func(ref string) *Schema) any {
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Ref != "":
		return find(s.Ref).Example(find)
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Items != nil:
		return []any{s.Items.Example(find)}
	case s.Properties != nil:
		object := map[string]any{}
		for name, member := range s.Properties {
			if slices.Contains(s.Required, name) || len(member.Examples) > 0 {
				object[name] = member.Example(find)
			}
		}
		return object
	case len(s.AnyOf) > 0:
		return s.AnyOf[0].Example(find)
	case s.Type == "boolean":
		return false
	}
	return nil
}
