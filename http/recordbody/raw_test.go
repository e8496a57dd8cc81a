package recordbody_test

import (
	"testing"

	"flashq/http/recordbody"
)

// A request without a body is an empty value, which is no tombstone.
func TestNoBodyIsAnEmptyValue(t *testing.T) {
	var d recordbody.Raw
	req, err := d.Decode(nil, recordbody.Single{}, target)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release(nil)
	it := req.Parts[0].Batch.Records()
	if !it.Next() || it.Record.Value == nil || len(it.Record.Value) != 0 || it.Record.Key != nil {
		t.Errorf("%+v", it.Record)
	}
}
