package recordjson

import (
	"encoding/json"

	"flashq/http/schema"
)

// What a record is in a body and in an answer, for the document of the surface: the decoder and the Writer are written
// by hand, and tests of the whole surface hold them to this.

// Describe puts the schemas of records among the others: Record as it is sent, SentRecords as a body of them, and
// FetchedRecord as it comes back; those whose names begin with Lenient are of Target.Lenient. time is the pattern of a
// timestamp.
func Describe(r schema.Registry, time string) {
	for prefix, rest := range map[string]bool{"": false, "Lenient": true} {
		r[prefix+"Record"] = sentRecord(time, prefix, rest)
		r[prefix+"RecordHeader"] = recordHeader(rest)
		r[prefix+"SentRecords"] = &schema.Schema{
			Type: "object", Required: []string{"records"}, Rest: rest,
			Properties: map[string]*schema.Schema{
				"records": schema.List(ref(prefix+"Record"), 1, mostDescribed).Says("stored all or none"),
			},
		}
	}
	r["FetchedRecord"] = fetchedRecord()
}

// mostDescribed is how many records a JSON body has at most by default.
const mostDescribed = 1000

func ref(name string) *schema.Schema { return &schema.Schema{Ref: schema.Prefix + name} }

var anyJSON = &schema.Schema{}

// exactlyOne is for objects of which one of some members has to be there.
func exactlyOne(names ...string) (of []*schema.Schema) {
	for _, name := range names {
		of = append(of, &schema.Schema{Required: []string{name}})
	}
	return of
}

func sentRecord(time, prefix string, rest bool) *schema.Schema {
	moment := schema.Any(schema.Text(time), schema.Int(0, 1<<63-1), &schema.Schema{Type: "null"})
	return &schema.Schema{
		Type: "object", Rest: rest, OneOf: exactlyOne("value", "value_text", "value_base64"),
		Not: &schema.Schema{Properties: map[string]*schema.Schema{
			"key": {Type: "string"}, "key_base64": {Type: "string"},
		}, Required: []string{"key", "key_base64"}},
		Examples: []any{json.RawMessage(`{"key":"anna","value":"book","headers":{"source":"shop"}}`)},
		Properties: map[string]*schema.Schema{
			"key":          schema.String().OrNull().Says("decides the partition; null is none"),
			"key_base64":   schema.Base64.OrNull().Says("the same, of any bytes"),
			"value":        anyJSON.Says("a string's UTF-8 bytes; of anything else its exact JSON text; null is a tombstone"),
			"value_text":   schema.String().Says("the same as a string value"),
			"value_base64": schema.Base64.Says("any bytes"),
			"headers":      headersType(prefix).Says("by name, or a list for repeated and binary ones"),
			"partition":    schema.Int(0, 1<<31-1).OrNull().Says("puts the record there"),
			"timestamp":    moment.Says("when it happened: a time, or milliseconds since 1970; by default now"),
			"offset":       (&schema.Schema{Type: "integer"}).Says("means nothing: what was fetched can be sent again"),
		},
	}
}

func fetchedRecord() *schema.Schema {
	return &schema.Schema{
		Type: "object", Required: []string{"partition", "offset", "timestamp", "headers"},
		Examples: []any{json.RawMessage(`{"partition":0,"offset":14,"timestamp":"2026-01-15T10:30:45.123Z","key":"anna",` +
			`"value":"book","headers":{"source":"shop"}}`)},
		Properties: map[string]*schema.Schema{
			"partition":    (&schema.Schema{Type: "integer", Format: "int32"}).Says("where it is"),
			"offset":       (&schema.Schema{Type: "integer", Format: "int64"}).Says("its place in the partition"),
			"timestamp":    schema.String().Says("when it happened, in UTC with milliseconds"),
			"key":          schema.String().OrNull().Says("null is none"),
			"key_base64":   schema.Base64.Says("instead of key: it is not UTF-8, or encoding=base64 asks for it"),
			"value":        anyJSON.Says("null is a tombstone; with encoding=json what is JSON, else a string"),
			"value_text":   schema.String().Says("instead of value: with encoding=json, what is not JSON"),
			"value_base64": schema.Base64.Says("instead of value: it is not UTF-8, or encoding=base64 asks for it"),
			"headers":      headersType("").Says("null of none; a list where names repeat or values are bytes"),
		},
	}
}

// headersType is both forms, and null.
func headersType(prefix string) *schema.Schema {
	return schema.Any(
		&schema.Schema{Type: "object", Rest: schema.String()},
		&schema.Schema{Type: "array", Items: ref(prefix + "RecordHeader")},
		&schema.Schema{Type: "null"},
	).Like(map[string]string{"source": "shop"})
}

func recordHeader(rest bool) *schema.Schema {
	names, values := exactlyOne("key", "key_base64"), exactlyOne("value", "value_base64")
	return &schema.Schema{
		Type: "object", Rest: rest, AllOf: []*schema.Schema{{OneOf: names}, {OneOf: values}},
		Examples: []any{json.RawMessage(`{"key":"source","value":"shop"}`)},
		Properties: map[string]*schema.Schema{
			"key":          schema.String(),
			"key_base64":   schema.Base64,
			"value":        schema.String().OrNull(),
			"value_base64": schema.Base64,
		},
	}
}
