package fetch

import (
	"encoding/json"
	"reflect"
	"strings"

	"flashq/http/openapi"
	"flashq/http/request"
	"flashq/http/schema"
)

// What a fetch answers, for the document of the surface: answers are written by hand (json.go, raw.go, flow.go,
// tell.go), and tests of the whole surface hold them to this.

// fetchedView is an answer as one JSON object.
type fetchedView struct {
	Records       []recordView    `json:"records" doc:"in each partition in the order of their offsets"`
	NextOffset    int64           `json:"next_offset,omitempty" doc:"where to go on, if one was read" example:"15"`
	HighWaterMark int64           `json:"high_water_mark,omitempty" doc:"the same, of the next to be written" example:"20"`
	Lag           int64           `json:"lag" doc:"records that are left" example:"5"`
	Position      string          `json:"position" doc:"where to go on" example:"0:15"`
	Partitions    []partitionView `json:"partitions" doc:"each partition that was read"`
	Group         *groupView      `json:"group,omitempty" doc:"of a fetch in a group"`
}

// UnbufferedHeader is what a stream says to proxies.
var UnbufferedHeader = openapi.Header{
	Name: "X-Accel-Buffering", Type: schema.OneOf("no").Says("of a stream, for proxies"),
}

// SchemaName implements schema.Named.
func (fetchedView) SchemaName() string { return "Fetched" }

type recordView struct{}

// Schema implements schema.Describer.
func (recordView) Schema() *schema.Schema { return record }

var record = &schema.Schema{Ref: schema.Prefix + "FetchedRecord"}

type partitionView struct {
	Partition     int          `json:"partition" example:"0"`
	NextOffset    int64        `json:"next_offset" doc:"where to go on" example:"15"`
	HighWaterMark int64        `json:"high_water_mark" doc:"offset of the next record to be written" example:"20"`
	Earliest      int64        `json:"earliest" doc:"offset of the first record that is kept" example:"0"`
	Gap           int64        `json:"gap" doc:"how many records of what was asked for are no longer kept" example:"0"`
	Beyond        int64        `json:"beyond,omitempty" doc:"by how much the start is ahead of all that is stored"`
	End           int64        `json:"end,omitempty" doc:"where to_time has reading end"`
	Truncated     int64        `json:"truncated,omitempty" doc:"by how much a commit was moved back"`
	Error         *troubleView `json:"error,omitempty" doc:"what keeps it from being read on"`
}

// SchemaName implements schema.Named.
func (partitionView) SchemaName() string { return "FetchedPartition" }

type troubleView struct {
	Error     string `json:"error" enum:"corrupt_data,storage_error"`
	Retryable bool   `json:"retryable,omitempty" doc:"they may come back"`
	First     int64  `json:"first_offset,omitempty" doc:"where it begins" example:"15"`
	NextGood  int64  `json:"next_good_offset,omitempty" doc:"of damage: where good records go on" example:"17"`
	Next      int64  `json:"next_offset,omitempty" doc:"of what can't be read now: where it ends"`
	Reason    string `json:"reason,omitempty" doc:"of damage: what it is"`
}

// SchemaName implements schema.Named.
func (troubleView) SchemaName() string { return "Trouble" }

type groupView struct {
	ID         string `json:"id" doc:"its name" example:"billing"`
	Member     string `json:"member,omitempty" doc:"who fetched" example:"anna"`
	Generation int32  `json:"generation,omitempty" doc:"of a member: of the group" example:"7"`
	Assignment []int  `json:"assignment,omitempty" doc:"of a member: what it holds of the topic" example:"[0]"`
	Committed  string `json:"committed" doc:"what is committed, as a position" example:"0:10"`
}

// SchemaName implements schema.Named.
func (groupView) SchemaName() string { return "FetchedGroup" }

// lineView is what a stream of lines says beside records: one of these.
type lineView struct {
	Assignment *assignmentView `json:"assignment,omitempty" doc:"what a member holds from now on"`
	Gap        *gapView        `json:"gap,omitempty" doc:"these records are no longer kept"`
	Beyond     *beyondView     `json:"beyond,omitempty" doc:"the start is ahead of all that is stored"`
	End        *endView        `json:"end,omitempty" doc:"to_time is reached in every partition"`
}

// SchemaName implements schema.Named.
func (lineView) SchemaName() string { return "StreamNote" }

type assignmentView struct {
	Generation int64 `json:"generation" example:"7"`
	Assignment []int `json:"assignment" example:"[0,2]"`
}

// SchemaName implements schema.Named.
func (assignmentView) SchemaName() string { return "StreamAssignment" }

type gapView struct {
	Partition int   `json:"partition" example:"0"`
	From      int64 `json:"from" example:"3"`
	To        int64 `json:"to" doc:"where it goes on" example:"9"`
}

// SchemaName implements schema.Named.
func (gapView) SchemaName() string { return "StreamGap" }

type beyondView struct {
	Partition     int   `json:"partition" example:"0"`
	NextOffset    int64 `json:"next_offset" example:"100"`
	HighWaterMark int64 `json:"high_water_mark" example:"40"`
}

// SchemaName implements schema.Named.
func (beyondView) SchemaName() string { return "StreamBeyond" }

type endView struct {
	Position string `json:"position" example:"0:5"`
}

// SchemaName implements schema.Named.
func (endView) SchemaName() string { return "StreamEnd" }

// Answers are those of a fetch that goes well, in the media types of records.
func Answers(r schema.Registry) []openapi.Answer {
	whole := r.Of(reflect.TypeFor[fetchedView]())
	line := schema.Any(record, r.Of(reflect.TypeFor[lineView]()), &schema.Schema{Ref: schema.Prefix + "Error"})
	answer := openapi.Answer{
		Status: 200, Headers: headers(),
		Doc: "The records that are there. A short answer means that nothing more was readable; an empty one is no error.",
	}
	for _, media := range request.RecordAnswers {
		c := openapi.Content{Media: media.Name, Type: schema.String()}
		switch media.Format {
		case request.JSON:
			c.Type = whole
		case request.NDJSON:
			c.Lines = line
			c.Type = schema.String().Says("one record a line; with follow=true also lines that say what else there is")
			c.Example = exampleLine(r)
		case request.Events:
			c.Lines = line
			c.Type = schema.String().Says("a stream that does not end: records are unnamed events; the data of others is the " +
				"value of the member that has their name")
			c.Example = "retry: 2000\nid: 0:14\n\nid: 0:15\ndata: " + exampleLine(r) + "\n\n"
		default:
			c.Type = (&schema.Schema{Type: "string", Format: "binary"}).Says(
				"the value of one record, or Kafka's record batches as they are stored")
			c.Example = "book"
		}
		answer.Content = append(answer.Content, c)
	}
	none := openapi.Answer{
		Status: 204, Headers: headers()[:4], Doc: "There is no record; of application/octet-stream alone.",
	}
	return []openapi.Answer{answer, none}
}

func exampleLine(r schema.Registry) string {
	return strings.TrimSpace(string(r["FetchedRecord"].Examples[0].(json.RawMessage))) + "\n"
}

// headers are those that say what the body of an answer has no place for.
func headers() []openapi.Header {
	number := &schema.Schema{Type: "integer", Format: "int64"}
	marks := request.Position
	return []openapi.Header{
		{Name: "FlashQ-Position", Type: positionSent.Says("where to go on; of every answer but JSON and events")},
		{Name: "FlashQ-Gap", Type: marks.Like("0:5").Says("partitions, with how many records are no longer kept")},
		{Name: "FlashQ-Beyond", Type: marks.Like("0:5").Says("partitions, with by how much the start is ahead of the end")},
		{Name: "FlashQ-Error", Type: schema.String().Says("a JSON list of what keeps partitions from being read on").
			Like(`[{"error":"corrupt_data","partition":0,"first_offset":15,"next_good_offset":17}]`)},
		{Name: "FlashQ-Partition", Type: number.Like(0).Says("of the one record")},
		{Name: "FlashQ-Offset", Type: number.Like(14).Says("of the one record")},
		{Name: "FlashQ-Timestamp", Type: schema.String().Like("2026-01-15T10:30:45.123Z").Says("of the one record")},
		{Name: "FlashQ-Key", Type: schema.String().Like("anna").Says("of the one record, where it is printable")},
		{Name: "FlashQ-Key-Base64", Type: schema.Base64.Like("AP8=").Says("of the one record, where it is not")},
		{Name: "FlashQ-Header-*", Type: schema.String().Like("shop").Says("the one record's headers, by their names")},
		{Name: "FlashQ-Tombstone", Type: schema.OneOf("true").Says("the one record has no value")},
		{Name: "FlashQ-Headers-Omitted", Type: number.Like(1).Says("how many of the one record's headers can't be shown so")},
		{Name: "FlashQ-Key-Omitted", Type: number.Like(100000).Says("how many bytes the key has that can't be shown so")},
		UnbufferedHeader,
		{Name: "Content-Encoding", Type: schema.OneOf("zstd", "gzip").Says("of an answer that is compressed")},
	}
}

// positionSent is a position as it is told: a member that holds nothing is at none.
var positionSent = schema.Text(`^(g[0-9]+;)?([0-9]+:[0-9]+(,[0-9]+:[0-9]+)*)?$`).Like("0:15")
