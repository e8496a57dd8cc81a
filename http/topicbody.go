package http

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/segment/slab"
)

// Bounds of segment_bytes: a segment holds at least a batch's header, and a file position fits an index entry.
const (
	minSegmentBytes = 1024
	maxSegmentBytes = 1<<31 - 1
)

// topicChange reads the body of PUT /topics/{topic}; none is a wish for nothing in particular.
func (s *Server) topicChange(ctx *fasthttp.RequestCtx) (c broker.TopicChange, err error) {
	hold := lease{from: &s.inflight}
	defer hold.end()
	var coding string
	if ctx.Request.Header.ContentLength() != 0 {
		if err = wantBodyJSON(ctx); err != nil {
			return c, err
		}
	}
	if coding, err = bodyCoding(ctx); err != nil {
		return c, err
	}
	body, err := s.readBody(ctx, &hold)
	defer slab.Put(body)
	if err != nil || len(body) == 0 {
		return c, err
	}
	if coding != "" {
		plain, err := s.decompress(coding, body)
		if err != nil {
			return c, err
		}
		defer slab.Put(plain)
		body = plain
	}
	return s.parseTopicChange(body)
}

func wantBodyJSON(ctx *fasthttp.RequestCtx) error {
	f, err := bodyFormat(ctx)
	if err == nil && f != formatJSON {
		sent := quote(string(ctx.Request.Header.ContentType()))
		err = &apiError{
			status: 415, code: "unsupported_media_type",
			message: "Content-Type " + sent + " is not accepted here; send application/json",
		}
	}
	return err
}

// parseTopicChange reads the fields that it knows and ignores others. encoding/json alone would fold case and let the
// last of two equal members win, so it only splits the object here.
func (s *Server) parseTopicChange(body []byte) (c broker.TopicChange, err error) {
	fields, err := splitObject(body)
	if err != nil {
		return c, err
	}
	if raw, ok := fields["partitions"]; ok {
		n, err := intField("partitions", raw, 1, int64(s.cfg.MaxPartitions), false)
		if err != nil {
			return c, err
		}
		c.Partitions = int(n)
	}
	for _, f := range []struct {
		name      string
		target    **int64
		low, high int64
		unlimited bool
	}{
		{"retention_ms", &c.RetentionMs, 1, 1<<63 - 1, true},
		{"retention_bytes", &c.RetentionBytes, 1, 1<<63 - 1, true},
		{"segment_bytes", &c.SegmentBytes, minSegmentBytes, maxSegmentBytes, false},
	} {
		if raw, ok := fields[f.name]; ok {
			n, err := intField(f.name, raw, f.low, f.high, f.unlimited)
			if err != nil {
				return c, err
			}
			*f.target = &n
		}
	}
	return c, nil
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
