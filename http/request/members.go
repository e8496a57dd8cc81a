package request

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"flashq/http/fault"
	"flashq/http/near"
	"flashq/http/schema"
)

// Members are the members of a JSON object that a body may have; what they say goes into a T.
type Members[T any] []Member[T]

// Member is one of them. raw is valid JSON without space around it.
type Member[T any] struct {
	Name   string
	Type   *schema.Schema // what it may be, and a line for people
	Needed bool           // without it the body is refused, by who reads it
	Set    func(t *T, raw json.RawMessage) error
}

// Schema is what the object may be.
func (m Members[T]) Schema() *schema.Schema {
	object := &schema.Schema{Type: "object", Properties: map[string]*schema.Schema{}, Rest: false}
	for _, member := range m {
		object.Properties[member.Name] = member.Type
		if member.Needed {
			object.Required = append(object.Required, member.Name)
		}
	}
	return object
}

// Parse reads an object into t. encoding/json alone would fold case and let the last of two equal members win, so it
// only splits the object here. A member that is not listed is refused: what a typo was meant to say would be lost.
func (m Members[T]) Parse(body []byte, t *T) error {
	fields, err := SplitObject(body)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.ContainsFunc(m, func(known Member[T]) bool { return known.Name == name }) {
			return m.unknown(name)
		}
	}
	return m.set(fields, t)
}

// ParseLenient reads an object whose other members mean nothing.
func (m Members[T]) ParseLenient(body []byte, t *T) error {
	fields, err := SplitObject(body)
	if err != nil {
		return err
	}
	return m.set(fields, t)
}

func (m Members[T]) unknown(name string) error {
	names := make([]string, len(m))
	for i := range m {
		names[i] = m[i].Name
	}
	return fault.OutOfRange.New("Unknown member "+fault.Quote(name)+near.Hint(name, names),
		fault.Details{"field": fault.Clip(name), "allowed": names})
}

func (m Members[T]) set(fields map[string]json.RawMessage, t *T) error {
	for _, member := range m {
		if raw, ok := fields[member.Name]; ok {
			if err := member.Set(t, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostMembers bounds an object's members, before it is known which of them mean anything.
const mostMembers = 100

// SplitObject gives the members of a JSON object, each once.
func SplitObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, notJSON(body)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, _ := dec.Token(); start != json.Delim('{') {
		return nil, fault.WrongType.New("The body must be a JSON object", nil)
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if len(fields) == mostMembers {
			return nil, WrongType("body", "A JSON object here has at most "+strconv.Itoa(mostMembers)+" members")
		}
		name, _ := key.(string) // a member's name: the body is valid JSON
		if _, twice := fields[name]; twice {
			return nil, WrongType(name, "Member "+fault.Quote(name)+" is given twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil && err != io.EOF {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

// notJSON says what is wrong with a body, as far as that is easily seen.
func notJSON(body []byte) error {
	message := "The body is not valid JSON"
	switch at := bytes.IndexByte(body, '\''); {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		message += ": a byte order mark is not allowed"
	case !utf8.Valid(body):
		message += ": it is not UTF-8"
	case at >= 0 && bytes.IndexByte(body, '"') < 0:
		message += `; JSON needs double quotes; in a shell: -d '{"a":1}'`
	}
	return fault.InvalidJSON.New(message, nil)
}

// WrongType refuses a member that is missing, or is not what it should be.
func WrongType(member, message string) error {
	return fault.WrongType.New(message, fault.Details{"field": fault.Clip(member)})
}

// Missing refuses a body without a member that it must have.
func Missing(member string) error { return WrongType(member, "Member '"+member+"' is missing") }

// Int reads an integer member; -1 stands for unlimited where that is allowed.
func Int(name string, raw json.RawMessage, low, high int64, unlimited bool) (int64, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err == nil && (n >= low && n <= high || unlimited && n == -1) {
		return n, nil
	}
	if !IsInteger(raw) {
		return 0, WrongType(name, "Member '"+name+"' must be an integer")
	}
	message := "Member '" + name + "' must be from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
	if unlimited {
		message += ", or -1 for unlimited"
	}
	return 0, fault.OutOfRange.New(message, fault.Details{"field": name, "min": low, "max": high})
}

// IsInteger tells whether a valid JSON value is a number without fraction and exponent.
func IsInteger(raw []byte) bool {
	p := bytes.TrimPrefix(raw, []byte{'-'})
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(p) > 0
}

// String reads a string member. encoding/json alone would mend a lone surrogate.
func String(name string, raw json.RawMessage) (string, error) {
	var text string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", WrongType(name, "Member '"+name+"' must be a string")
	}
	const replacement = "\uFFFD"
	escaped := strings.Count(strings.ToLower(string(raw)), `\ufffd`)
	if strings.Count(text, replacement) > strings.Count(string(raw), replacement)+escaped {
		return "", fault.InvalidJSON.New("Member '"+name+"' holds a lone surrogate", nil)
	}
	return text, nil
}

// NameOf reads a string member that is the name of a topic, a group or a member; field says of which.
func NameOf(field, member string, raw json.RawMessage) (string, error) {
	name, err := String(member, raw)
	if err != nil {
		return "", err
	}
	return name, CheckName(field, name)
}

// List reads a member that is a list of 1 to most items, counted in words.
func List(name string, raw json.RawMessage, most int, words string) ([]json.RawMessage, error) {
	if raw[0] != '[' {
		return nil, WrongType(name, "Member '"+name+"' must be a list")
	}
	if n := countItems(raw); n == 0 || n > most { // before anything is made of them
		return nil, BadCount(name, n, most, words)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, WrongType(name, "Member '"+name+"' must be a list")
	}
	return list, nil
}

// countItems counts the items of a valid JSON list.
func countItems(raw json.RawMessage) (n int) {
	depth, quoted, empty := 0, false, true
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted, empty = !quoted, false
		case quoted || c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '[' || c == '{':
			depth++
			empty = depth == 1
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 1:
			n++
		default:
			empty = false
		}
	}
	if empty {
		return 0
	}
	return n + 1
}

// BadCount refuses a list of too many items, or of none; words say what takes them, as in "A commit takes 1 to %d
// partitions".
func BadCount(name string, n, most int, words string) error {
	message := strings.Replace(words, "%d", strconv.Itoa(most), 1) + ", not " + strconv.Itoa(n)
	return fault.OutOfRange.New(message, fault.Details{"field": name, "max_size": most, "actual_size": n})
}
