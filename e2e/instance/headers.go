package instance

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Headers are a record's headers in their order, from either form that the API knows: an object, or a list.
type Headers []Header

// Header is one of them; its value may be null.
type Header struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// UnmarshalJSON reads either form.
func (h *Headers) UnmarshalJSON(text []byte) error {
	*h = nil
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]Header)(h))
	}
	tokens := json.NewDecoder(bytes.NewReader(text))
	var name *string
	for tokens.More() || name != nil {
		token, err := tokens.Token()
		if err != nil {
			return err
		}
		s, ok := token.(string)
		switch {
		case !ok: // the brace, or null
		case name == nil:
			name = &s
		default:
			*h = append(*h, Header{Key: *name, Value: &s})
			name = nil
		}
	}
	return nil
}

// Keys are the headers' names.
func (h Headers) Keys() []string {
	keys := make([]string, len(h))
	for i, one := range h {
		keys[i] = one.Key
	}
	return keys
}

func (h Headers) String() string {
	all := make([]string, len(h))
	for i, one := range h {
		all[i] = one.Key + "=" + Text(one.Value)
	}
	return "[" + strings.Join(all, " ") + "]"
}
