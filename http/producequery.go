package http

import (
	"bytes"
	"encoding/base64"
	"math"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/http/recordbody"
	"flashq/http/request"
	"flashq/http/schema"
	"flashq/segment/batch"
)

// produceQuery is what a produce's query asks for.
type produceQuery struct {
	partition int // -1: by key
	sync      bool
	offsets   bool // one offset per record in the answer

	// For raw bodies, whose record can't say them itself; rawOnly names the one that was given last.
	key       []byte // nil: none
	timestamp int64
	clock     recordbody.Clock // of timestamp
	rawOnly   string
}

var produceParams = request.Params[produceQuery]{
	{Name: "partition", Axis: "which", Type: schema.Int(0, math.MaxInt32).Like(0).
		Says("for all records that don't say their own; needed for record batches"),
		Set: func(q *produceQuery, v request.Value) (err error) {
			q.partition, err = v.Int()
			return err
		}},
	{Name: "sync", Axis: "how", Type: schema.Bool().Else(false).Like(false).
		Says("answer only when the records are on the disk, whatever --fsync says"),
		Set: func(q *produceQuery, v request.Value) (err error) {
			q.sync, err = v.Bool()
			return err
		}},
	{Name: "return", Axis: "answer", Type: schema.OneOf("offsets").
		Says("add one partition and offset per record to the answer"),
		Set: func(q *produceQuery, v request.Value) error {
			word, err := v.Word()
			q.offsets = word != ""
			return err
		}},
	{Name: "key", Axis: "record", Type: schema.String().Like("anna").
		Says("of the record that a raw body is"),
		Set: func(q *produceQuery, v request.Value) error {
			return q.setKey(v, append([]byte{}, v.Text...))
		}},
	{Name: "key_base64", Axis: "record", Type: schema.Base64.Like("AP8=").
		Says("the same, of any bytes"),
		Set: func(q *produceQuery, v request.Value) error {
			// A + that was not escaped comes as a blank, as in a time.
			key, err := base64.StdEncoding.Strict().DecodeString(string(bytes.ReplaceAll(v.Text, []byte(" "), []byte("+"))))
			if err != nil {
				return v.Bad("is not standard base64 with padding")
			}
			return q.setKey(v, key)
		}},
	{Name: "timestamp", Axis: "record", Type: request.RecordTime.Says("when it happened; by default now"),
		Set: func(q *produceQuery, v request.Value) (err error) {
			q.rawOnly, q.clock = v.Name, recordbody.ClockOf(v.Text)
			if q.timestamp, err = v.RecordTime(); q.clock == recordbody.Ago {
				q.timestamp -= v.Now
			}
			return err
		}},
}

func (q *produceQuery) setKey(v request.Value, key []byte) error {
	if q.key != nil {
		return v.Bad("and its other form can't be given both: a record has one key")
	}
	q.key, q.rawOnly = key, v.Name
	return nil
}

// judgeProduce reads a produce's query, and refuses what doesn't go with the format of its body.
func judgeProduce(query []byte, f request.Format, q *produceQuery) error {
	*q = produceQuery{partition: -1}
	if err := produceParams.Parse(query, q); err != nil {
		return err
	}
	if q.rawOnly != "" && f != request.Raw {
		return request.BadParam(q.rawOnly, "is for raw bodies, text/plain and application/octet-stream; "+
			"the records of this body say it themselves")
	}
	if f == request.Batches && q.partition < 0 {
		return request.BadParam("partition", "is missing: record batches are stored as they come, in one partition, and "+
			"name none themselves")
	}
	return nil
}

// single is what a request says of a raw body's record.
func (q *produceQuery) single(h *fasthttp.RequestHeader, headers bool) recordbody.Single {
	s := recordbody.Single{Key: q.key, Timestamp: q.timestamp, Clock: q.clock}
	if !headers {
		return s
	}
	for name, value := range h.All() {
		if own, ok := bytes.CutPrefix(name, []byte(request.RecordHeaderPrefix)); ok {
			s.Headers = append(s.Headers, batch.Header{Key: bytes.ToLower(own), Value: append([]byte{}, value...)})
		}
	}
	return s
}

// headersOfNobody refuses record headers beside a body whose records have their own: they would be lost in silence.
func headersOfNobody(name []byte) error {
	return fault.OutOfRange.New("The header "+fault.Quote(string(name))+" is for raw bodies, text/plain and "+
		"application/octet-stream; the records of this body have headers of their own",
		fault.Details{"field": fault.Clip(string(name))})
}
