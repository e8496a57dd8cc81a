package http

import (
	"flashq/http/recordbody"
	"flashq/http/recordjson"
	"flashq/http/request"
)

// decoders are those of every format in which records come; a request uses one of them.
type decoders struct {
	json    recordjson.Decoder
	raw     recordbody.Raw
	batches recordbody.Batches
	// single is what stands beside a raw body.
	single recordbody.Single
	// unpacking takes a body of batches apart where they are compressed.
	unpacking unpacking
}

// decode turns a body into one batch for each partition.
func (d *decoders) decode(f request.Format, body []byte, t recordbody.Target) (*recordbody.Request, error) {
	switch f {
	case request.NDJSON:
		return d.json.NDJSON(body, t)
	case request.Raw:
		return d.raw.Decode(body, d.single, t)
	case request.Batches:
		defer d.unpacking.done()
		return d.batches.Decode(body, t, &d.unpacking)
	default:
		return d.json.JSON(body, t)
	}
}

// release ends what was decoded; keep tells which parts went to another owner, nil is none.
func (d *decoders) release(keep func(part int) bool) {
	d.json.Release(keep)
	d.raw.Release(keep)
	d.batches.Release()
}
