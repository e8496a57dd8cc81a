package http

import (
	"reflect"

	"flashq/http/openapi"
	"flashq/http/request"
	"flashq/http/schema"
)

// What a produce takes and answers, for the document of the surface: appendAnswer writes by hand, and tests of the
// whole surface hold it to this.

// producedView is where records went.
type producedView struct {
	Offset     int64          `json:"offset" doc:"of the last record" example:"142"`
	Timestamp  timestamp      `json:"timestamp" doc:"of the last record"`
	Count      int            `json:"count" doc:"how many were stored" example:"3"`
	Partitions []producedSpan `json:"partitions" doc:"a row for each run of offsets"`
	Offsets    []placedRecord `json:"offsets,omitempty" doc:"each record, in the order of the request"`
}

// SchemaName implements schema.Named.
func (producedView) SchemaName() string { return "Produced" }

type producedSpan struct {
	Partition  int   `json:"partition" example:"0"`
	BaseOffset int64 `json:"base_offset" doc:"of the first record" example:"140"`
	LastOffset int64 `json:"last_offset" doc:"of the last record" example:"142"`
}

type placedRecord struct {
	Partition int   `json:"partition" example:"0"`
	Offset    int64 `json:"offset" example:"142"`
}

func producedAnswers(r schema.Registry) []openapi.Answer {
	return []openapi.Answer{{
		Status: 200, Doc: "All records are stored.",
		Content: []openapi.Content{{Media: "application/json", Type: r.Of(reflect.TypeFor[producedView]())}},
		Headers: []openapi.Header{{
			Name: "Idempotency-Replayed",
			Type: schema.OneOf("true").Says("the records were stored before; this is the answer of then"),
		}},
	}}
}

// recordBodies describes the bodies in which records come; of lenient ones, other members mean nothing.
func recordBodies(lenient bool) *openapi.Body {
	prefix := schema.Prefix
	if lenient {
		prefix += "Lenient"
	}
	record, whole := &schema.Schema{Ref: prefix + "Record"}, &schema.Schema{Ref: prefix + "SentRecords"}
	body := &openapi.Body{Required: true, Doc: "All records are checked before any is stored."}
	for _, media := range request.RecordBodies {
		c := openapi.Content{Media: media.Name, Type: &schema.Schema{Type: "string", Format: "binary"}}
		switch media.Format {
		case request.JSON:
			c.Type = whole
		case request.NDJSON:
			c.Lines = record
			c.Type = (&schema.Schema{Type: "string", MinLength: 1}).Says("one record a line")
			c.Example = "{\"key\":\"anna\",\"value\":\"book\"}\n{\"value\":\"pen\"}\n"
		case request.Raw:
			c.Type = c.Type.Says("one record: the body is its value; query and head say the rest")
			c.Example = "book"
		default:
			c.Type.MinLength = 1
			c.Type = c.Type.Says("Kafka's record batches, one after the other; needs the query parameter partition")
		}
		body.Content = append(body.Content, c)
	}
	return body
}
