package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Header is one header of a record. Names may repeat; a nil Value is the API's null.
type Header struct {
	Key   string
	Value []byte
}

// ProducerRecord is a record to be stored.
type ProducerRecord struct {
	Key       []byte // nil: none
	Value     []byte // nil: a tombstone
	Headers   []Header
	Partition *int      // nil: as ProduceOptions says, else by key
	Timestamp time.Time // in whole milliseconds; zero: the broker's clock
}

// Record is a stored record.
type Record struct {
	Partition int
	Offset    int64
	Timestamp time.Time
	Key       []byte   // nil: none
	Value     []byte   // nil: a tombstone
	Headers   []Header // in their order; nil: none, or not asked for
}

// MarshalJSON writes the API's record object.
func (r ProducerRecord) MarshalJSON() ([]byte, error) {
	object := struct {
		Key         json.RawMessage `json:"key,omitempty"`
		KeyBase64   []byte          `json:"key_base64,omitempty"`
		Value       json.RawMessage `json:"value,omitempty"`
		ValueBase64 []byte          `json:"value_base64,omitempty"`
		Headers     []headerItem    `json:"headers,omitempty"`
		Partition   *int            `json:"partition,omitempty"`
		Timestamp   *int64          `json:"timestamp,omitempty"`
	}{Partition: r.Partition}
	if r.Key != nil {
		object.Key, object.KeyBase64 = textOrBase64(r.Key)
	}
	object.Value, object.ValueBase64 = textOrBase64(r.Value)
	for _, h := range r.Headers {
		if !utf8.ValidString(h.Key) {
			return nil, fmt.Errorf("client: header name %q is no UTF-8", h.Key)
		}
		one := headerItem{Key: h.Key}
		one.Value, one.ValueBase64 = textOrBase64(h.Value)
		object.Headers = append(object.Headers, one)
	}
	if !r.Timestamp.IsZero() {
		object.Timestamp = new(r.Timestamp.UnixMilli())
	}
	return marshal(object)
}

// headerItem is an item of the list form of headers, the one form that can say everything.
type headerItem struct {
	Key         string          `json:"key"`
	Value       json.RawMessage `json:"value,omitempty"`
	ValueBase64 []byte          `json:"value_base64,omitempty"`
}

// textOrBase64 says bytes the way that keeps them: as JSON's null, as a string where they are UTF-8, else as base64.
func textOrBase64(p []byte) (text json.RawMessage, binary []byte) {
	switch {
	case p == nil:
		return json.RawMessage("null"), nil
	case !utf8.Valid(p):
		return nil, p
	}
	text, _ = marshal(string(p)) // a string always has JSON
	return text, nil
}

// UnmarshalJSON reads the API's record object.
func (r *Record) UnmarshalJSON(text []byte) error {
	var object struct {
		Partition   int         `json:"partition"`
		Offset      int64       `json:"offset"`
		Timestamp   time.Time   `json:"timestamp"`
		Key         *string     `json:"key"`
		KeyBase64   []byte      `json:"key_base64"`
		Value       *string     `json:"value"`
		ValueBase64 []byte      `json:"value_base64"`
		Headers     wireHeaders `json:"headers"`
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	*r = Record{
		Partition: object.Partition, Offset: object.Offset, Timestamp: object.Timestamp,
		Key: bytesOf(object.Key, object.KeyBase64), Value: bytesOf(object.Value, object.ValueBase64),
		Headers: object.Headers,
	}
	return nil
}

// bytesOf undoes textOrBase64: both are nil for null.
func bytesOf(text *string, binary []byte) []byte {
	if text != nil {
		return append([]byte{}, *text...)
	}
	return binary
}

// wireHeaders reads the two forms of headers: a list, or an object, whose order counts as well.
type wireHeaders []Header

// UnmarshalJSON reads either form, or null.
func (h *wireHeaders) UnmarshalJSON(text []byte) error {
	*h = nil
	if text[0] != '[' {
		return h.fromObject(text)
	}
	var list []struct {
		Key         string  `json:"key"`
		Value       *string `json:"value"`
		ValueBase64 []byte  `json:"value_base64"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, one := range list {
		*h = append(*h, Header{Key: one.Key, Value: bytesOf(one.Value, one.ValueBase64)})
	}
	return nil
}

// fromObject walks the tokens: a map would lose the order.
func (h *wireHeaders) fromObject(text []byte) error {
	tokens := json.NewDecoder(bytes.NewReader(text))
	if start, err := tokens.Token(); err != nil || start == nil {
		return err
	}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return err
		}
		var value *string
		if err := tokens.Decode(&value); err != nil {
			return err
		}
		key, ok := name.(string)
		if !ok {
			return errors.New("headers are neither an object nor a list")
		}
		*h = append(*h, Header{Key: key, Value: bytesOf(value, nil)})
	}
	return nil
}
