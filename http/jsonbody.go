package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"flashq/segment/slab"
)

// jsonBody reads a body that is a JSON document, whatever its coding. parse gets its bytes, which it must not keep; an
// empty body is not parsed.
func (s *Server) jsonBody(ctx *fasthttp.RequestCtx, parse func(body []byte) error) error {
	hold := lease{from: &s.inflight}
	defer hold.end()
	if ctx.Request.Header.ContentLength() != 0 {
		if err := wantBodyJSON(ctx); err != nil {
			return err
		}
	}
	coding, err := bodyCoding(ctx)
	if err != nil {
		return err
	}
	body, err := s.readBody(ctx, &hold)
	defer slab.Put(body)
	if err != nil || len(body) == 0 {
		return err
	}
	if coding != "" {
		plain, err := s.decompress(coding, body)
		if err != nil {
			return err
		}
		defer slab.Put(plain)
		body = plain
	}
	return parse(body)
}

// wantBodyJSON refuses every other kind of body, and names only what this route takes.
func wantBodyJSON(ctx *fasthttp.RequestCtx) error {
	f, err := bodyFormat(ctx)
	var e *apiError
	if errors.As(err, &e) {
		e.message = strings.ReplaceAll(e.message, acceptedFormats, formats[0].name)
		return e
	}
	if err == nil && f != formatJSON {
		return unsupportedHere(ctx)
	}
	return err
}

func unsupportedHere(ctx *fasthttp.RequestCtx) error {
	sent := quote(string(ctx.Request.Header.ContentType()))
	return &apiError{
		status: 415, code: "unsupported_media_type",
		message: "Content-Type " + sent + " is not accepted here; send application/json",
	}
}

// splitObject gives the members of a JSON object, each once.
func splitObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, &apiError{status: 400, code: "invalid_json", message: "The body is not valid JSON"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, _ := dec.Token(); start != json.Delim('{') {
		return nil, wrongType("", "The body must be a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string) // a member's name: the body is valid JSON
		if _, twice := fields[name]; twice {
			return nil, wrongType(name, "Member "+quote(name)+" is given twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil && err != io.EOF {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

func wrongType(field, message string) error {
	e := &apiError{status: 422, code: "validation_error", message: message}
	if field != "" {
		e.details = details{"field": clip(field)}
	}
	return e
}

// intField reads an integer member; -1 stands for unlimited where that is allowed.
func intField(name string, raw json.RawMessage, low, high int64, unlimited bool) (int64, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err == nil && (n >= low && n <= high || unlimited && n == -1) {
		return n, nil
	}
	if !isInteger(raw) {
		return 0, wrongType(name, "Member '"+name+"' must be an integer")
	}
	message := "Member '" + name + "' must be from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
	if unlimited {
		message += ", or -1 for unlimited"
	}
	return 0, &apiError{
		status: 400, code: "validation_error", message: message,
		details: details{"field": name, "min": low, "max": high},
	}
}

// isInteger tells whether a valid JSON value is a number without fraction and exponent.
func isInteger(raw json.RawMessage) bool {
	p := bytes.TrimPrefix(raw, []byte{'-'})
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(p) > 0
}

// stringField reads a string member. encoding/json alone would mend a lone surrogate.
func stringField(name string, raw json.RawMessage) (string, error) {
	var text string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", wrongType(name, "Member '"+name+"' must be a string")
	}
	const replacement = "\uFFFD"
	escaped := strings.Count(strings.ToLower(string(raw)), `\ufffd`)
	if strings.Count(text, replacement) > strings.Count(string(raw), replacement)+escaped {
		return "", &apiError{status: 400, code: "invalid_json", message: "Member '" + name + "' holds a lone surrogate"}
	}
	return text, nil
}
